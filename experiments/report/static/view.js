// One dimension of the picture: the interval that is shown, and the cell walls in it.
const SIZE = 400;
const NARROW = 4; // pixels; walls closer together are not all drawn
const CELLS = 5; // cells in view, at least
const ROOM = 1.15;

class Axis {
  constructor(format, codes, tokens, present) {
    const coordinates = codes.map((code) => format.coordinate(code));
    this.format = format;
    this.record = (k) => coordinates.slice(k * tokens, (k + 1) * tokens);
    this.present = present;
    this.start = this.record(0).map((at) => format.value(at));
    this.middle = mean(this.start);
    this.extent = reach(this.start, this.middle);
  }

  // Show record k.
  show(k) {
    this.at = this.record(k);
    this.values = this.at.map((at) => this.format.value(at));
    const left = this.values.filter((_, token) => this.present(token, k));
    const there = left.length ? left : this.values;
    this.centre = mean(there);
    this.cell = this.format.cell(this.centre);
    const half = Math.max(this.extent, reach(there, this.centre)) * ROOM;
    this.half = Math.max(half, (CELLS / 2) * this.cell);
    return this;
  }

  position(real) {
    return SIZE / 2 + ((real - this.centre) / this.half) * (SIZE / 2);
  }

  // Return the distance between the drawn walls of the cloud's cells.
  pitch() {
    return (this.cell / this.half) * (SIZE / 2);
  }

  // Return where each token would be if the cloud had kept its shape.
  ghosts() {
    return this.start.map((real) => this.position(real - this.middle + this.centre));
  }

  // Return the cell walls in view; `fine` where some are left out, since they are too dense.
  walls() {
    const { format } = this;
    const high = this.centre + this.half;
    const gap = (2 * this.half * NARROW) / SIZE;
    const found = [];
    let at = Math.max(format.below(this.centre - this.half) - 1, -format.largest);
    while (at < format.largest) {
      const wall = (format.value(at) + format.value(at + 1)) / 2;
      if (wall > high) break;
      const next = Math.max(at + 1, format.below(wall + gap));
      found.push({ position: this.position(wall), fine: next > at + 1 });
      at = next;
    }
    return found.filter(({ position }) => position >= 0);
  }
}

// The ruler from zero to the cloud's farthest position, with a few walls of each binade: the
// distance between them doubles from one binade to the next.
class Ruler {
  constructor(axis, records) {
    const centres = [...Array(records).keys()].map((k) => Math.abs(axis.show(k).centre));
    this.end = Math.max(...centres) * 1.04 || 1;
    this.parts = Math.min(4, axis.format.fraction);
  }

  position(real) {
    return (Math.abs(real) / this.end) * SIZE;
  }

  // Return the numbers along it: zero, and the beginnings of binades, as far as they fit.
  numbers() {
    const found = [];
    let free = SIZE;
    for (let low = 2 ** Math.floor(Math.log2(this.end)); this.position(low) > LETTERS; low /= 2)
      if (this.position(low) + LETTERS / 2 <= free) {
        found.push({ position: this.position(low), text: shortly(low) });
        free = this.position(low) - LETTERS / 2;
      }
    return [{ position: 0, text: "0" }, ...found];
  }

  walls() {
    const found = [];
    for (let low = 2 ** Math.floor(Math.log2(this.end)); this.position(low) > NARROW; low /= 2)
      for (let part = 0; part < this.parts; part++) found.push(this.position(low * (1 + part / this.parts)));
    return found.filter((position) => position <= SIZE);
  }
}

const LETTERS = 52; // pixels that a number takes
const shortly = (real) =>
  real < 1e-4 ? real.toExponential(1).replace("e-", "·10⁻").replace(/⁻(\d+)/, (_, n) => `⁻${raised(n)}`) : String(Number(real.toPrecision(3)));
const raised = (digits) => [...digits].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
const mean = (reals) => reals.reduce((sum, x) => sum + x, 0) / reals.length;
const reach = (reals, from) => reals.reduce((most, x) => Math.max(most, Math.abs(x - from)), 0);

// Return the present tokens, grouped by cell.
function cells(across, up, present) {
  const found = new Map();
  across.at.forEach((x, token) => {
    if (!present(token)) return;
    const key = `${x} ${up.at[token]}`;
    found.set(key, [...(found.get(key) ?? []), token]);
  });
  return [...found.values()];
}
