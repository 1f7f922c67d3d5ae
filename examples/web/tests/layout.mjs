/** Finds what does not fit, in the page; runs there as a whole. */

/** Returns what is wrong, in words: text that is cut, and what reaches out of the window. */
export function misfits() {
  const wrong = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) wrong.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${width}`);
  const name = (element) => `${element.tagName.toLowerCase()}.${[...element.classList].join(".")} “${element.textContent.trim().slice(0, 40)}”`;
  const modal = document.querySelector("dialog[open]");
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const element = text.parentElement;
    if (text.data.trim() === "" || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest(".hidden, .skip, option, noscript") || (modal && !modal.contains(element))) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const rect of range.getClientRects()) {
      if (rect.width === 0 || rect.height === 0) continue;
      const reason = cut(element, rect);
      if (reason) {
        wrong.push(`${name(element)}: ${reason}`);
        break;
      }
    }
  }
  for (const control of document.querySelectorAll("button, input, textarea, select, a, img, svg")) {
    if (!control.checkVisibility({ opacityProperty: true }) || control.closest(".hidden, .skip")) continue;
    const rect = control.getBoundingClientRect();
    if (rect.left < -1 || rect.right > width + 1) wrong.push(`${name(control)} reaches out of the window: ${rect.left}–${rect.right}`);
    const target = Math.min(rect.width, rect.height);
    if (control.tagName === "BUTTON" && target < 24) wrong.push(`${name(control)} is only ${target} high or wide`);
  }
  return [...new Set(wrong)];

  /** Tells what cuts a piece of text; an ellipsis and a box that scrolls may. */
  function cut(element, rect) {
    for (let box = element; box && box !== document.body; box = box.parentElement) {
      const style = getComputedStyle(box);
      const bounds = box.getBoundingClientRect();
      if (style.overflowX !== "visible") {
        const scrolls = style.overflowX === "auto" || style.overflowX === "scroll";
        if (style.textOverflow === "ellipsis") return undefined;
        if (!scrolls && (rect.left < bounds.left - 1 || rect.right > bounds.right + 1)) return `is cut by ${name(box)}`;
        if (scrolls && box.scrollWidth > box.clientWidth + 1 && box.tagName !== "PRE") return `${name(box)} scrolls sideways`;
        if (scrolls) return undefined;
      }
      if (style.overflowY === "hidden" && (rect.top < bounds.top - 2 || rect.bottom > bounds.bottom + 2)) return `is cut in its height by ${name(box)}`;
    }
    return rect.left < -1 || rect.right > document.documentElement.clientWidth + 1 ? "reaches out of the window" : undefined;
  }
}
