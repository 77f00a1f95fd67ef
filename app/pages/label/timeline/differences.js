// Where a person's and a model's states differ.

import { lasts } from "../editing/edits.js";

// Where a person and a model say two things of one axis: [start, end] in order. `mine` and `theirs` are states in order;
// `scored` are spans in which nothing happened where no state is. What nobody labelled is no difference, nor what a model
// says nothing of since it says something of another axis there: `elsewhere`, in order and apart.
export function differences(mine, theirs, scored, elsewhere = []) {
  const times = [...mine, ...theirs, ...scored, ...elsewhere].flatMap(({ start, end }) => [start, end]);
  const cuts = [...new Set(times)].sort((one, other) => one - other);
  const [at, beside, among, aside] = [mine, theirs, scored, elsewhere].map(walker);
  const found = [];
  for (let index = 0; index + 1 < cuts.length; index++) {
    const [start, end] = [cuts[index], cuts[index + 1]];
    const [said, predictedThere, isScored, isAside] = [at(start), beside(start), among(start), aside(start)];
    if ((!said && !isScored) || (!predictedThere && isAside)) continue;
    if ((said?.behaviour ?? "") === (predictedThere?.behaviour ?? "")) continue;
    const before = found.at(-1);
    if (before && before[1] === start) before[1] = end;
    else if (lasts(start, end)) found.push([start, end]);
  }
  return found;
}
// What goes on at a time; times are asked for in order.
function walker(spans) {
  let index = 0;
  return (time) => {
    while (index < spans.length && spans[index].end <= time) index += 1;
    return index < spans.length && spans[index].start <= time ? spans[index] : null;
  };
}
