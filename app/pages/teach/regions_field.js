// The file of regions: chosen, read here, and named by what is in it. What is wrong with it, the server says.

import { fill, words } from "../shared/words.js";

const MAX_LENGTH = 12000; // characters: it is asked for in the head of a request, and the boxes of a picture are few

// `changed()`: another file was read. `text`: its JSON; empty: there is none.
export function makeRegionsField(element, changed) {
  const input = element.querySelector("input");
  const said = element.querySelector("p");
  said.textContent = words.teach_regions_none;
  const field = {
    text: "",
    show(isShown) {
      element.hidden = !isShown;
    },
  };

  input.addEventListener("change", async () => {
    const [file] = input.files;
    input.value = ""; // so that the same file can be chosen again, once it was mended
    if (!file) return;
    field.text = "";
    try {
      const values = JSON.parse(await file.text());
      const text = JSON.stringify(values);
      if (text.length > MAX_LENGTH) said.textContent = fill("teach_regions_long", { file: file.name });
      else {
        field.text = text;
        said.textContent = fill("teach_regions_of", { file: file.name, names: namesOf(values) });
      }
    } catch {
      said.textContent = fill("teach_regions_wrong", { file: file.name });
    }
    changed();
  });
  return field;
}

// Of a list for all videos, or of an object with a list for each.
function namesOf(values) {
  const regions = Array.isArray(values) ? values : Object.values(values ?? {}).flat();
  return [...new Set(regions.map((one) => one?.name).filter(Boolean))].join(", ");
}
