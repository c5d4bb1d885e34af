/** Pictures of buttons, drawn with the text's colour in a box of 16. */
const PATHS = {
  previous: "M10.5 3 5.5 8l5 5",
  next: "m5.5 3 5 5-5 5",
  plot: "M2.5 2.5v11h11M4.5 10.5l3-4 2.5 2 3.5-5",
  edit: "m3 13 .6-2.7L10.8 3l2.2 2.2-7.3 7.2L3 13Z",
  remove: "m4 4 8 8M12 4l-8 8",
  again: "M12.8 6.2A5 5 0 1 0 13 9M13 3v3.4H9.6",
  stop: "M4.5 4.5h7v7h-7z",
  save: "M8 2.5v7.5M5 7l3 3 3-3M3 13.5h10",
  zoomIn: "M8 3v10M3 8h10",
  zoomOut: "M3 8h10",
  fit: "M2.5 4v8M13.5 4v8M4.5 8h7M6.5 6l-2 2 2 2M9.5 6l2 2-2 2",
  check: "m3 8.5 3.5 3.5L13 5",
} as const;

export type Icon = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

export function icon(name: Icon): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button that is a picture; `title` is what it does, in words. */
export function iconButton(name: Icon, title: string, press: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.className = `icon-button ${name}`;
  button.title = title;
  button.ariaLabel = title;
  button.append(icon(name));
  button.addEventListener("click", press);
  return button;
}
