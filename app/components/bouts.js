// The table of bouts so far, and the way to the predictions as they are on disk now.
const vm = window.vidmem;
const table = element.querySelector("table"), body = element.querySelector("tbody");
const empty = element.querySelector(".vm-empty"), csv = element.querySelector(".vm-csv"), settled = element.querySelector(".vm-settled");
const earlier = element.querySelector(".vm-earlier"), earlierTitle = earlier.textContent;

function row([label, colour, count, seconds, share]) {
  const line = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  const dot = document.createElement("i");
  dot.className = "vm-dot";
  dot.style.background = vm.colour(colour);
  name.append(dot, label);
  line.append(name, ...[String(count), seconds < 3600 ? vm.clock(seconds) : vm.clock(seconds, 3600), `${Math.round(share * 100)} %`].map((text) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    return cell;
  }));
  return line;
}
vm.on("bouts", ({ rows, note }) => {
  settled.textContent = note;
  body.replaceChildren(...rows.map(row));
  table.hidden = rows.length === 0;
  empty.hidden = rows.length > 0;
});
vm.on("csv", ({ newest, earlier: files }) => {
  csv.hidden = !newest;
  if (newest) [csv.href, csv.download] = newest;
  earlier.hidden = files.length === 0;
  earlier.replaceChildren(earlierTitle, ...files.flatMap((file) => [" ", vm.download(file)]));
});
vm.on("storage", (value) => { element.querySelector(".vm-unsaved").textContent = value?.unsaved ?? ""; });
