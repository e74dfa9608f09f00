"""The local app: pages in the browser that call the Python interface."""
