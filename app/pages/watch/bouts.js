// The table of bouts so far, and the way to the predictions as they are on disk now.

import { queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { downloadLink, make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill } from "../shared/words.js";
import { columnColour } from "./colours.js";

function rowOf([label, colour, count, seconds, share]) {
  const dot = make("i", { className: "vm-dot" });
  dot.style.background = columnColour(colour);
  const cells = [String(count), format.clock(seconds), `${Math.round(share * 100)} %`];
  const name = make("th", { scope: "row" }, dot, label);
  return make("tr", {}, name, ...cells.map((textContent) => make("td", { textContent })));
}

// When a file was begun, with which model, and up to where: names alone are most often the same.
function earlierFile([address, name, { begun, model, until }]) {
  const day = begun && new Date(1000 * begun);
  const isToday = day && day.toDateString() === new Date().toDateString();
  const when = day?.toLocaleString([], isToday ? { timeStyle: "medium" } : { dateStyle: "short", timeStyle: "medium" });
  const facts = [
    when && fill("file_begun", { when }),
    model,
    until !== null && fill("file_until", { time: format.clock(until) }),
  ];
  return make("span", {}, downloadLink([address, name]), ` ${facts.filter(Boolean).join(" · ")}`);
}

export function start(element) {
  const table = element.querySelector("table");
  const body = element.querySelector("tbody");
  const empty = element.querySelector(".vm-empty");
  const csv = element.querySelector(".vm-csv");
  const settled = element.querySelector(".vm-settled");
  const earlier = element.querySelector(".vm-earlier");
  const earlierTitle = earlier.textContent;

  const boutsCsv = element.querySelector(".vm-bouts-csv");
  const unlike = element.querySelector(".vm-unlike");
  bus.on("bouts", ({ rows, note, warning }) => {
    settled.textContent = note;
    unlike.textContent = warning ?? "";
    unlike.hidden = !warning;
    body.replaceChildren(...rows.map(rowOf));
    table.hidden = rows.length === 0;
    empty.hidden = rows.length > 0;
    boutsCsv.hidden = rows.length === 0;
    boutsCsv.href = `bouts.csv?${queryOf({ run: bus.run })}`;
  });
  bus.on("csv", ({ newest, earlier: files }) => {
    csv.hidden = !newest;
    if (newest) [csv.href, csv.download] = newest;
    earlier.hidden = files.length === 0;
    earlier.replaceChildren(earlierTitle, ...files.map(earlierFile));
  });
  bus.on("storage", (value) => {
    element.querySelector(".vm-unsaved").textContent = value?.unsaved ?? "";
  });
}
