// Colours of behaviours: whether they can be seen on the page, and told apart.

const LIGHT_CARD = "#ffffff"; // as in base.css
const DARK_CARD = "#1c2226";
const POOR = 2; // to 1: what is drawn in less contrast is lost beside what is not
const ALIKE = 0.05; // in OKLab, where 0.02 can just be told apart side by side

// Contrast with a light and with a dark page, where it is poor: { light, dark }, each a ratio or null.
export function poorContrast(colour) {
  const poor = (card) => {
    const ratio = contrast(colour, card);
    return ratio < POOR ? ratio : null;
  };
  return { light: poor(LIGHT_CARD), dark: poor(DARK_CARD) };
}

export function areAlike(one, other) {
  const [a, b] = [oklab(one), oklab(other)];
  return Math.hypot(...a.map((value, index) => value - b[index])) < ALIKE;
}

// As WCAG 2 has it: 1 to 21.
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const channels = (colour) => [1, 3, 5].map((at) => linear(Number.parseInt(colour.slice(at, at + 2), 16) / 255));
function luminance(colour) {
  const [red, green, blue] = channels(colour);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
// Ottosson 2020.
function oklab(colour) {
  const [red, green, blue] = channels(colour);
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const middle = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * long + 0.793617785 * middle - 0.0040720468 * short,
    1.9779984951 * long - 2.428592205 * middle + 0.4505937099 * short,
    0.0259040371 * long + 0.7827717662 * middle - 0.808675766 * short,
  ];
}
