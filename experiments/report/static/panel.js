// The panel: its controls and its text.
const LINGER = 500; // milliseconds for each record during playback
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

const counted = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
const rounded = (real) =>
  real < 0.001 ? real.toPrecision(2) : Number(real.toPrecision(2)).toLocaleString("en", { maximumFractionDigits: 4 });
const power = (real) =>
  `2${[...String(Math.round(Math.log2(real)))].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("")}`;

class Panel {
  constructor(element) {
    this.data = JSON.parse(document.getElementById(element.dataset.lattice).textContent);
    this.element = element;
    const [picture, ways] = element.querySelectorAll("svg");
    this.picture = picture;
    this.drawing = new Drawing(picture, ways, this.data.tokens);
    this.said = element.querySelector("output");
    this.scale = element.querySelector(".scale");
    for (const control of element.querySelectorAll("[name]")) this[control.name] = control;
    this.format = new Format(this.data.format);
    this.codes = this.data.codes.map((text) => this.format.codes(text));
    this.record.addEventListener("input", () => {
      this.stop();
      this.show();
    });
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
    this.drawing.drawRulers(this.axes.map((each) => new Ruler(each, this.data.steps.length)));
    this.show();
  }

  begin() {
    if (Number(this.record.value) === Number(this.record.max)) this.record.value = 0;
    this.said.setAttribute("aria-live", "off"); // a screen reader should not read every record
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
    const [across, up] = this.axes.map((axis) => axis.show(k));
    this.element.classList.toggle("moving", !STILL.matches);
    const present = (token) => this.present(token, k);
    const found = cells(across, up, present);
    this.drawing.record(across, up, found, present);
    this.say(k, found, across, up);
  }

  say(k, found, across, up) {
    const { steps, last, distinct, alive, sigma, dims } = this.data;
    const here = found.reduce((sum, each) => sum + each.length, 0);
    this.said.textContent =
      `Step ${steps[k]} of ${last}: ` +
      `the ${counted(here, "token")} shown occupy ${counted(found.length, "cell")} of these two dimensions; ` +
      `all ${counted(alive[k], "token")} occupy ${counted(distinct[k], "cell")} of all ${counted(dims, "dimension")}.`;
    const width = (axis) => power(axis.cell) + (sigma ? ` (${rounded(axis.cell / sigma)} σ)` : "");
    this.scale.textContent =
      `At the cloud, cells are ${width(across)} wide and ${width(up)} high. ` +
      `The rulers show the distance from zero in both dimensions, and how cells widen with it.`;
    this.record.setAttribute("aria-valuetext", `step ${steps[k]}, ${counted(found.length, "cell")}`);
    this.picture.setAttribute("aria-label", this.said.textContent);
  }
}

document.querySelectorAll("[data-lattice]").forEach((element) => new Panel(element));
