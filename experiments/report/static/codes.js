"use strict";

// The lattice of a format: coordinates are ranks of its values, 0 for both zeros.
class Format {
  constructor({ width, precision, smallest, largest }) {
    this.sign = 2 ** (width - 1);
    this.fraction = 2 ** (precision - 1);
    this.least = 2 ** (smallest - precision + 1);
    this.largest = largest;
    this.array = width > 16 ? Uint32Array : width > 8 ? Uint16Array : Uint8Array;
  }

  // Decode codes from little-endian bytes in base64.
  codes(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return Array.from(new this.array(bytes.buffer));
  }

  coordinate(code) {
    return code >= this.sign ? this.sign - code : code;
  }

  value(coordinate) {
    const magnitude = Math.min(Math.abs(coordinate), this.largest);
    const exponent = Math.floor(magnitude / this.fraction);
    const units = (magnitude % this.fraction) + (exponent ? this.fraction : 0);
    return Math.sign(coordinate) * units * this.least * 2 ** Math.max(exponent - 1, 0);
  }

  // Return the coordinate of the largest value that is not above `real`.
  below(real) {
    let low = -this.largest;
    let high = this.largest;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.value(middle) <= real) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // Return the width of the cell that holds `real`, on the side away from zero.
  cell(real) {
    const at = Math.min(this.below(Math.abs(real)), this.largest - 1);
    return this.value(at + 1) - this.value(at);
  }
}
