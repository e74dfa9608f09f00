"""The laws of a stack as pure functions: conduction, reaction and heat laws, one file each and extensible."""
