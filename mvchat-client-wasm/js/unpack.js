/** The inlined core: text that compresses as well as the bytes that it stands for (see `tools/wasm/src/text.rs`). */

/**
 * Turns the text back into bytes: a letter is a common byte, or, from a certain letter on, begins a rare one.
 * @param {{ common: number[], text: string }} core
 */
export function unpack({ common, text }) {
  const places = [];
  let letters = 0;
  for (let code = 35; code < 127; code++) {
    if (code !== 60 && code !== 92) places[code] = letters++;
  }
  const bytes = [...common];
  for (let byte = 0; byte < 256; byte++) {
    if (!common.includes(byte)) bytes.push(byte);
  }
  const out = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let place = places[text.charCodeAt(at)];
    const prefix = place - common.length;
    if (prefix >= 0) place = common.length + prefix * letters + places[text.charCodeAt(++at)];
    out[length++] = bytes[place];
  }
  return out.subarray(0, length);
}
