/* Tables that sort by a click on their heads: rising, falling, and as they were. */

function number(text) {
  const match = text.replace(/[\u2212−]/g, "-").match(/[+-]?\d+(\.\d+)?/);
  return match ? Number(match[0]) : null;
}

function compare(one, other) {
  const [a, b] = [number(one), number(other)];
  if (a !== null && b !== null) return a - b;
  return one.localeCompare(other);
}

function sortable(table) {
  const body = table.tBodies[0], original = [...body.rows];
  if (original.length < 2) return;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const words = head.classList.contains("left");
    const button = html("button", { type: "button" }, head.textContent.trim());
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const next = before === null ? "ascending" : before === "ascending" ? "descending" : null;
      for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
      if (next) head.setAttribute("aria-sort", next);
      const sign = next === "descending" ? -1 : 1, text = (row) => row.cells[column].textContent.trim();
      const order = (a, b) => {
        const [one, other] = [text(a), text(b)];
        if ((one === "–") !== (other === "–")) return one === "–" ? 1 : -1; /* what is not known comes last */
        return sign * (words ? one.localeCompare(other) : compare(one, other));
      };
      body.append(...(next ? [...original].sort(order) : original));
    });
  });
}
