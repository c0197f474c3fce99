/* What a reader takes along: a figure as SVG or PNG, its data as CSV, a network's study. */

function save(name, blob) {
  const link = html("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/* The figure for paper: black on white, whatever the page looks like now. */
function paperSvg(drawing) {
  const copy = drawing(760);
  const text = new XMLSerializer().serializeToString(copy);
  return text.replace(/var\((--[\w-]+)\)/g, (_, name) => PAPER[name]);
}
function saveSvg(name, drawing) {
  save(`${name}.svg`, new Blob([paperSvg(drawing)], { type: "image/svg+xml" }));
}
function savePng(name, drawing) {
  const text = paperSvg(drawing), picture = new Image(), times = 2;
  picture.onload = () => {
    const canvas = html("canvas", { width: picture.width * times, height: picture.height * times });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(`${name}.png`, blob), "image/png");
  };
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

/* Rows, objects of the same keys, as CSV. */
function csv(rows) {
  if (!rows.length) return "";
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const heads = Object.keys(rows[0]);
  return [heads, ...rows.map((row) => heads.map((head) => row[head]))].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}
function saveCsv(name, rows) {
  save(`${name}.csv`, new Blob([csv(rows)], { type: "text/csv" }));
}
