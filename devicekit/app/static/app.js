// The script of the app: uploads dropped files and draws figures when they appear.
"use strict";
(() => {
  const post = (where, headers) => fetch(where, { method: "POST", headers });
  const encoded = (name) => encodeURIComponent(name);

  const send = (key, file, line) =>
    new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.open("POST", `/uploads/${key}/file`);
      request.setRequestHeader("X-Name", encoded(file.inFolder ?? file.name));
      request.upload.addEventListener("progress", (event) => {
        line.bar.max = event.total || 1;
        line.bar.value = event.loaded;
      });
      request.addEventListener("load", () => (request.status < 300 ? done() : failed(new Error(request.responseText))));
      request.addEventListener("error", () => failed(new Error("The app does not answer. Is it still running?")));
      request.addEventListener("abort", () => failed(new Error("Cancelled.")));
      line.cancel.addEventListener("click", () => request.abort());
      request.send(file);
    });

  const showUpload = (name) => {
    const row = document.createElement("p");
    const [bar, cancel, words] = ["progress", "button", "span"].map((tag) => document.createElement(tag));
    cancel.type = "button";
    cancel.className = "plain";
    cancel.textContent = "Cancel";
    bar.setAttribute("aria-label", `uploading ${name}`);
    words.textContent = ` ${name} `;
    row.append(bar, words, cancel);
    document.getElementById("uploads").append(row);
    return { row, bar, cancel, words };
  };

  const sendUpload = async (upload) => {
    const line = showUpload(upload.name);
    try {
      const answer = await post("/uploads", { "X-Name": encoded(upload.name), "X-Folder": upload.folder });
      if (!answer.ok) throw new Error(await answer.text());
      const { key } = await answer.json();
      for (const file of upload.files) await send(key, file, line);
      if (isZip(upload)) line.words.textContent = ` unpacking ${upload.name} `;
      const complete = await post(`/uploads/${key}/complete`); // reading starts
      if (!complete.ok) throw new Error(await complete.text());
      line.cancel.remove();
      return key;
    } catch (error) {
      line.bar.remove();
      line.cancel.remove();
      line.words.textContent = `${upload.name}: ${error.message}`;
      return null;
    }
  };

  const sendAll = async (uploads) => {
    if (!uploads.length) return;
    const keys = [];
    for (const upload of uploads) keys.push(await sendUpload(upload));
    if (keys.every((key) => key)) location.assign(keys.length === 1 ? `/uploads/${keys[0]}` : "/");
  };

  // files of a folder and its subfolders with their paths in it; hidden ones are left out
  const filesIn = async (entry, above = "") => {
    const reader = entry.createReader();
    const files = [];
    for (;;) {
      const batch = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (!batch.length) return files;
      for (const each of batch.filter((one) => !one.name.startsWith("."))) {
        if (each.isDirectory) files.push(...(await filesIn(each, `${above}${each.name}/`)));
        else files.push(placed(await new Promise((done, failed) => each.file(done, failed)), above + each.name));
      }
    }
  };
  const placed = (file, path) => Object.assign(file, { inFolder: path });

  const isZip = (file) => /\.zip$/i.test(file.name);

  // files that are dropped together are one measurement, until the user says otherwise
  const asUploads = (all) => {
    const alone = (file) => ({ name: file.name, folder: "no", files: [file] });
    const [zips, files] = [all.filter(isZip), all.filter((file) => !isZip(file))];
    if (files.length < 2) return all.map(alone);
    return [...zips.map(alone), { name: `${files[0].name} and ${files.length - 1} more`, folder: "bundle", files }];
  };

  const start = () => {
    const zone = document.getElementById("zone");
    if (!zone) return;
    for (const [kind, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
      zone.addEventListener(kind, (event) => {
        event.preventDefault();
        zone.classList.toggle("over", over);
      });
    }
    zone.addEventListener("drop", async (event) => {
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
      const plain = [...event.dataTransfer.files].filter((_, k) => !(entries[k] && entries[k].isDirectory));
      const folders = entries.filter((entry) => entry && entry.isDirectory);
      const uploads = asUploads(plain);
      for (const entry of folders) uploads.push({ name: entry.name, folder: "yes", files: await filesIn(entry) });
      sendAll(uploads);
    });
    document.getElementById("files").addEventListener("change", (event) => sendAll(asUploads([...event.target.files])));
    document.getElementById("folder").addEventListener("change", (event) => {
      const shown = [...event.target.files].filter((file) => !file.webkitRelativePath.includes("/."));
      const files = shown.map((file) => placed(file, file.webkitRelativePath.split("/").slice(1).join("/")));
      if (files.length) sendAll([{ name: files[0].webkitRelativePath.split("/")[0], folder: "yes", files }]);
    });
  };

  // a stack file is opened in the form, where it can be changed
  const openStack = async (input) => {
    const [file] = input.files;
    const values = { opened: await file.text() };
    window.htmx.ajax("POST", "/simulate/stack", { source: input.form, target: "#content", swap: "innerHTML", values });
  };
  document.addEventListener("change", (event) => {
    if (event.target.dataset.fills && event.target.files.length) openStack(event.target);
  });

  document.addEventListener("submit", (event) => {
    const { sure } = event.target.dataset;
    if (sure && !window.confirm(sure)) event.preventDefault();
  });

  const draw = (root) => window.devicekitFigures && window.devicekitFigures(root);
  document.addEventListener("DOMContentLoaded", () => {
    start();
    draw(document);
    const main = document.getElementById("content");
    new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) draw(node);
    }).observe(main, { childList: true, subtree: true });
  });
})();
