// A saved mask of the visitor's: the files chosen, what is sent of them, and what was found.

import { fetchJson } from "../shared/ask.js";
import { make } from "../shared/dom.js";
import { words } from "../shared/words.js";

// `changed()`: another file was chosen.
export function makeSaved(element, changed) {
  const row = element.querySelector(".vm-mask-saved");
  const inputs = [element.querySelector(".vm-mask-file"), element.querySelector(".vm-mask-other")];
  const found = element.querySelector(".vm-mask-found");
  const [list, diff] = [found.querySelector("ul"), found.querySelector("pre")];
  const files = () => inputs.map((input) => input.files[0]);
  for (const input of inputs) input.addEventListener("change", changed);

  function item({ kind, words: text, is_mistake: isMistake }) {
    const mark = isMistake ? words.mask_mistake : words.mask_note;
    return make("li", {}, make("b", { textContent: `${mark}, ${kind}: ` }), text);
  }
  return {
    // The mask of the list of masks that stands for one of these.
    async describe() {
      const fields = await fetchJson("masks/saved/fields");
      return { name: "saved", title: words.mask_saved, hint: words.mask_saved_hint, fields };
    },
    show(isShown) {
      row.hidden = !isShown;
      found.hidden = true;
    },
    isChosen: () => Boolean(files()[0]),
    query() {
      const [mask, other] = files();
      return { name: mask.name, bytes: mask.size, other: other?.name ?? "" };
    },
    // Both files behind each other; `bytes` of the query says where the second begins.
    options: () => ({ method: "POST", body: new Blob(files().filter(Boolean)) }),
    tell(answer) {
      found.hidden = !answer.findings;
      if (found.hidden) return;
      const items = answer.findings.map(item);
      list.replaceChildren(...(items.length ? items : [make("li", { textContent: words.mask_sound })]));
      diff.textContent = answer.diff;
      for (const part of [diff, found.querySelector(".vm-mask-differs")]) part.hidden = !answer.diff;
    },
  };
}
