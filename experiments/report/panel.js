// The panel: what its controls do, and how a record is drawn.
const NAMESPACE = "http://www.w3.org/2000/svg";
const LINGER = 500; // milliseconds of a record while it plays
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

function put(parent, name, attributes, text = "") {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

const counted = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
const power = (real) =>
  `2${[...String(Math.round(Math.log2(real)))].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("")}`;

class Panel {
  constructor(element) {
    this.data = JSON.parse(document.getElementById(element.dataset.lattice).textContent);
    this.element = element;
    [this.svg, this.ways] = element.querySelectorAll("svg");
    this.said = element.querySelector("output");
    this.scale = element.querySelector(".scale");
    for (const control of element.querySelectorAll("[name]")) this[control.name] = control;
    this.format = new Format(this.data.format);
    this.codes = this.data.codes.map((text) => this.format.codes(text));
    [this.grid, this.shapes, this.dots, this.holes] = ["g", "g", "g", "g"].map((g) => put(this.svg, g, {}));
    const tokens = [...Array(this.data.tokens).keys()];
    this.ghosts = tokens.map(() => put(this.shapes, "circle", { r: 2, class: "ghost" }));
    this.circles = tokens.map(() => put(this.dots, "circle", { r: 3.2, class: "token" }));
    this.record.addEventListener("input", () => this.show());
    this.across.addEventListener("change", () => this.choose());
    this.up.addEventListener("change", () => this.choose());
    this.play.addEventListener("click", () => (this.timer ? this.stop() : this.begin()));
    this.choose();
  }

  present(token, k) {
    return !this.data.ranks || this.data.ranks[token] < this.data.alive[k];
  }

  choose() {
    const axis = (dim) =>
      new Axis(this.format, this.codes[dim], this.data.tokens, (token, k) => this.present(token, k));
    this.axes = [axis(Number(this.across.value)), axis(Number(this.up.value))];
    this.roads = this.axes.map((each) => new Road(each, this.data.steps.length));
    this.ways.replaceChildren();
    this.marks = this.roads.map((road, k) => this.drawRoad(road, 4 + 20 * k));
    this.show();
  }

  begin() {
    if (Number(this.record.value) === Number(this.record.max)) this.record.value = 0;
    this.said.setAttribute("aria-live", "off"); // nobody wants to hear every record
    this.play.textContent = "Pause";
    this.timer = setInterval(() => this.next(), LINGER);
    this.show();
  }

  next() {
    this.record.value = Number(this.record.value) + 1;
    if (Number(this.record.value) === Number(this.record.max)) this.stop();
    this.show();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.said.setAttribute("aria-live", "polite");
    this.play.textContent = "Play";
  }

  show() {
    const k = Number(this.record.value);
    const [across, up] = this.axes.map((axis) => axis.look(k));
    this.element.classList.toggle("moving", !STILL.matches);
    this.drawGrid(across, up);
    this.marks.forEach((mark, k) => mark.setAttribute("cx", this.roads[k].place(this.axes[k].centre).toFixed(2)));
    const present = (token) => this.present(token, k);
    const found = cells(across, up, present);
    this.drawTokens(across, up, present);
    this.drawHoles(across, up, found);
    this.say(k, found, across, up);
  }

  drawGrid(across, up) {
    this.grid.replaceChildren();
    for (const { place, fine } of across.walls())
      put(this.grid, "line", { x1: place, x2: place, y1: 0, y2: SIZE, class: fine ? "fine" : "wall" });
    for (const { place, fine } of up.walls())
      put(this.grid, "line", { y1: SIZE - place, y2: SIZE - place, x1: 0, x2: SIZE, class: fine ? "fine" : "wall" });
    put(this.grid, "line", { x1: across.place(0), x2: across.place(0), y1: 0, y2: SIZE, class: "zero" });
    put(this.grid, "line", { y1: SIZE - up.place(0), y2: SIZE - up.place(0), x1: 0, x2: SIZE, class: "zero" });
  }

  // The marker of the cloud on its way, whose place `show` sets.
  drawRoad(road, top) {
    put(this.ways, "line", { x1: 0, x2: SIZE, y1: top + 12, y2: top + 12, class: "zero" });
    for (const x of road.walls()) put(this.ways, "line", { x1: x, x2: x, y1: top + 3, y2: top + 12, class: "wall" });
    return put(this.ways, "circle", { r: 5, cy: top + 12, class: "hole" });
  }

  drawTokens(across, up, present) {
    const [x, y] = [across.ghosts(), up.ghosts()];
    this.circles.forEach((circle, token) => {
      const [left, top] = [across.place(across.values[token]), SIZE - up.place(up.values[token])];
      circle.style.transform = `translate(${left.toFixed(2)}px, ${top.toFixed(2)}px)`;
      circle.classList.toggle("gone", !present(token));
      this.ghosts[token].setAttribute("cx", x[token].toFixed(2));
      this.ghosts[token].setAttribute("cy", (SIZE - y[token]).toFixed(2));
      this.ghosts[token].classList.toggle("gone", !present(token));
    });
  }

  drawHoles(across, up, found) {
    this.holes.replaceChildren();
    const most = Math.max(4, 0.47 * Math.min(across.pitch(), up.pitch()));
    for (const tokens of found.filter((each) => each.length > 1)) {
      const [x, y] = [across.place(across.values[tokens[0]]), SIZE - up.place(up.values[tokens[0]])];
      const r = Math.min(most, Math.max(4, 3.2 * Math.sqrt(tokens.length)));
      put(this.holes, "circle", { cx: x.toFixed(2), cy: y.toFixed(2), r: r.toFixed(2), class: "hole" });
      if (r > 6.5) put(this.holes, "text", { x: x.toFixed(2), y: y.toFixed(2), class: "count" }, tokens.length);
    }
  }

  say(k, found, across, up) {
    const { steps, last, distinct, alive, sigma, dims } = this.data;
    const here = found.reduce((sum, each) => sum + each.length, 0);
    this.said.textContent =
      `Step ${steps[k].toLocaleString("en")} of ${last.toLocaleString("en")}: ` +
      `the ${counted(here, "token")} shown occupy ${counted(found.length, "cell")} of these two dimensions; ` +
      `all ${counted(alive[k], "token")} occupy ${counted(distinct[k], "cell")} of all ${dims.toLocaleString("en")}.`;
    const width = (axis) => power(axis.cell) + (sigma ? ` (${(axis.cell / sigma).toPrecision(2)} σ)` : "");
    this.scale.textContent =
      `Where the cloud is now a cell is ${width(across)} wide and ${width(up)} high. ` +
      `The rulers show how far from zero that is, across and up, and how the lattice widens.`;
    this.record.setAttribute("aria-valuetext", `step ${steps[k]}, ${counted(found.length, "cell")}`);
    this.svg.setAttribute("aria-label", this.said.textContent);
  }
}

document.querySelectorAll("[data-lattice]").forEach((element) => new Panel(element));
