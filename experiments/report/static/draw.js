// The picture of one record, in SVG: cell walls, the initial shape of the cloud, tokens, and
// the cells that hold several tokens.
const NAMESPACE = "http://www.w3.org/2000/svg";
const TOKEN = 3.2; // radius of one token; areas of cells are in proportion to their tokens

function put(parent, name, attributes, text = "") {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

class Drawing {
  constructor(svg, ways, tokens) {
    [this.grid, this.shapes, this.dots, this.holes] = ["g", "g", "g", "g"].map((g) => put(svg, g, {}));
    this.ways = ways;
    this.ghosts = Array.from({ length: tokens }, () => put(this.shapes, "circle", { r: 2, class: "ghost" }));
    this.tokens = Array.from({ length: tokens }, () => put(this.dots, "circle", { r: TOKEN, class: "token" }));
  }

  // Draw the rulers of both dimensions, one below the other.
  drawRulers(rulers) {
    this.ways.replaceChildren();
    this.marks = rulers.map((ruler, k) => {
      const [top, foot] = [7 + 34 * k, 16 + 34 * k];
      put(this.ways, "line", { x1: 0, x2: SIZE, y1: foot, y2: foot, class: "zero" });
      for (const x of ruler.walls()) put(this.ways, "line", { x1: x, x2: x, y1: top, y2: foot, class: "wall" });
      for (const { position, text } of ruler.numbers())
        put(this.ways, "text", { x: position, y: foot + 12, class: "number" }, text);
      return put(this.ways, "circle", { r: 5, cy: foot, class: "hole" });
    });
    this.rulers = rulers;
  }

  record(across, up, found, present) {
    this.marks[0].setAttribute("cx", this.rulers[0].position(across.centre));
    this.marks[1].setAttribute("cx", this.rulers[1].position(up.centre));
    this.walls(across, up);
    this.points(across, up, present);
    this.several(across, up, found);
  }

  walls(across, up) {
    this.grid.replaceChildren();
    const upright = (x, kind) => put(this.grid, "line", { x1: x, x2: x, y1: 0, y2: SIZE, class: kind });
    const level = (y, kind) => put(this.grid, "line", { x1: 0, x2: SIZE, y1: y, y2: y, class: kind });
    for (const { position, fine } of across.walls()) upright(position, fine ? "fine" : "wall");
    for (const { position, fine } of up.walls()) level(SIZE - position, fine ? "fine" : "wall");
    upright(across.position(0), "zero");
    level(SIZE - up.position(0), "zero");
  }

  points(across, up, present) {
    const [x, y] = [across.ghosts(), up.ghosts()];
    this.tokens.forEach((circle, token) => {
      const [left, top] = at(across, up, token);
      circle.style.transform = `translate(${left}px, ${top}px)`;
      this.ghosts[token].setAttribute("cx", x[token]);
      this.ghosts[token].setAttribute("cy", SIZE - y[token]);
      for (const each of [circle, this.ghosts[token]]) each.classList.toggle("gone", !present(token));
    });
  }

  several(across, up, found) {
    this.holes.replaceChildren();
    const most = Math.max(4, 0.47 * Math.min(across.pitch(), up.pitch()));
    for (const tokens of found.filter((each) => each.length > 1)) {
      const [x, y] = at(across, up, tokens[0]);
      const r = Math.min(most, Math.max(4, TOKEN * Math.sqrt(tokens.length)));
      put(this.holes, "circle", { cx: x, cy: y, r, class: "hole" });
      if (r > 6.5) put(this.holes, "text", { x, y, class: "count" }, tokens.length);
    }
  }
}

const at = (across, up, token) => [across.position(across.values[token]), SIZE - up.position(up.values[token])];
