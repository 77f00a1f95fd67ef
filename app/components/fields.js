// Controls that several pages build from what the server says a number allows. Loaded in the head.
window.vidmem.fields = (() => {
  // A slider over the numbers that are allowed; `changed(value)` is told of each move.
  function slider({ name, title, stops, start }, changed) {
    const label = document.createElement("label");
    label.className = "vm-slider";
    label.innerHTML = '<span><span></span> <b></b></span><input type="range" min="0" step="1"><small></small>';
    const [head, input, small] = label.children;
    const allowed = [...new Set([...stops, start])].sort((a, b) => a - b);
    head.firstElementChild.textContent = title;
    small.textContent = window.vidmem.fill("mask_allowed", { low: allowed[0], high: allowed.at(-1) });
    Object.assign(input, { max: allowed.length - 1, value: allowed.indexOf(start) });
    input.dataset.number = name;
    input.setAttribute("aria-label", title);
    const say = () => {
      const value = allowed[Number(input.value)];
      head.lastElementChild.textContent = value.toLocaleString("en");
      input.setAttribute("aria-valuetext", String(value));
      return value;
    };
    input.addEventListener("input", () => changed(say()));
    say();
    return label;
  }
  function choice({ name, title, options, start }, changed) {
    const label = document.createElement("label"), select = document.createElement("select");
    label.className = "vm-slider";
    label.append(title, select);
    select.append(...options.map(([key, words]) => new Option(words, key)));
    select.value = start;
    select.dataset.number = name;
    select.setAttribute("aria-label", title);
    select.addEventListener("change", () => changed(select.value));
    return label;
  }
  function group(title, options) {
    const part = document.createElement("optgroup");
    part.label = title;
    part.append(...options);
    return part;
  }
  return { slider, choice, group };
})();
