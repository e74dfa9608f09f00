/* Buttons that save the picture of a figure, as SVG or PNG on white paper; the picture is in the page. */
"use strict";
(() => {
  const SCALE = 4; // px of a PNG per px of the picture: 384 dots an inch

  const text = picture => {
    const bytes = Uint8Array.from(atob(picture.src.split("base64,")[1]), sign => sign.charCodeAt(0));
    return new TextDecoder().decode(bytes).replace(/<style>@media screen and \(prefers-color-scheme: dark\).*?<\/style>/s, "");
  };
  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const ways = {
    SVG: (picture, name) => save(new Blob([text(picture)], {type: "image/svg+xml"}), `${name}.svg`),
    PNG: (picture, name) => {
      const shown = new Image();
      shown.addEventListener("load", () => {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [SCALE * shown.naturalWidth, SCALE * shown.naturalHeight];
        canvas.getContext("2d").drawImage(shown, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(blob => save(blob, `${name}.png`), "image/png");
      });
      shown.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text(picture))}`;
    },
  };

  window.devicekitPictures = root => {
    for (const figure of (root || document).querySelectorAll("figure[data-name]:not([data-saved])")) {
      const picture = figure.querySelector("img"), caption = figure.querySelector("figcaption");
      if (!picture || !caption || !picture.src.startsWith("data:image/svg+xml;base64,")) continue;
      figure.dataset.saved = "";
      for (const [kind, way] of Object.entries(ways)) {
        const button = document.createElement("button");
        Object.assign(button, {type: "button", className: "data", textContent: kind});
        button.setAttribute("aria-label", `Picture of this figure (${kind}): ${picture.alt}`);
        button.addEventListener("click", () => way(picture, figure.dataset.name));
        caption.append(" ", button);
      }
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => window.devicekitPictures());
  else window.devicekitPictures();
})();
