/** Light, dark, or what the system says. */

const KEY = "mvchat-theme";
const THEMES = ["system", "light", "dark"];

/** Returns the theme that was chosen on this device. */
export function theme() {
  const kept = localStorage.getItem(KEY);
  return THEMES.includes(kept) ? kept : "system";
}

/** Chooses a theme. */
export function setTheme(name) {
  localStorage.setItem(KEY, name);
  applyTheme();
}

/** Makes the page follow the choice. */
export function applyTheme() {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
