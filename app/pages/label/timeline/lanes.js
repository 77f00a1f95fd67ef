// The rows of the timeline: one for each axis of each animal, with what a person said above and a model below.

import { isPoint, united } from "../editing/edits.js";
import { differences } from "./differences.js";

export const OWN = 22; // pixels: bars of a person
const DIFFERENCE = 4;
export const MODEL = 14;
const GAP = 3;
const SPACE = 13; // between lanes
export const TOP = 8;

// Each lane: whose, what lies in it (all in order of time), and at which pixel it stands. Gives back also how high all
// of them are.
export function makeLanes({ store, model, subjects, otherName }) {
  const lanes = axesOf(store.ethogram).flatMap((axis) =>
    subjects.map((subject, index) => laneOf({ axis, subject, isFirst: index === 0, store, model })),
  );
  const others = model.bouts.filter(({ behaviour }) => !store.axes.has(behaviour));
  if (others.length)
    lanes.push({
      axis: otherName,
      subject: "",
      isFirst: true,
      isOther: true,
      ...empty(),
      theirs: split(others),
      hasModel: true,
    });
  let y = TOP;
  for (const lane of lanes) {
    Object.assign(lane, placed(lane, y));
    y += lane.high + SPACE;
  }
  return { lanes, high: Math.max(y - SPACE, TOP + OWN) };
}
const empty = () => ({ states: [], points: [], scored: [], notScored: [], differences: [] });

function axesOf(ethogram) {
  return [...new Set(ethogram.map(({ axis }) => axis))];
}

function laneOf({ axis, subject, isFirst, store, model }) {
  const isHere = (one) => one.subject === subject && store.axes.get(one.behaviour) === axis;
  const isMark = (one) => one.subject === subject && one.axis === axis;
  const { states, points } = split(store.bouts.filter(isHere));
  // A model knows no animals: what it says stands below the one that is coded.
  const isModels = Boolean(model.runId) && subject === store.subject;
  const theirs = split(isModels ? model.bouts.filter(({ behaviour }) => store.axes.get(behaviour) === axis) : []);
  const [scored, notScored] = [store.scored.filter(isMark), store.notScored.filter(isMark)];
  const hasModel = theirs.states.length + theirs.points.length > 0;
  const found = theirs.states.length ? differences(states, theirs.states, scored, elsewhere(axis, store, model)) : [];
  const hasStates = store.ethogram.some((one) => one.axis === axis && one.kind === "state");
  return { axis, subject, isFirst, states, points, scored, notScored, theirs, hasModel, hasStates, differences: found };
}
// Where a model says something of other axes, and so nothing of this one; one of several axes says something of each.
function elsewhere(axis, store, model) {
  if (model.axes.includes(axis)) return [];
  const others = model.bouts.filter((one) => !isPoint(one) && store.axes.get(one.behaviour) !== axis);
  return united(others.map(({ start, end }) => [start, end])).map(([start, end]) => ({ start, end }));
}
function split(bouts) {
  return { states: bouts.filter((one) => !isPoint(one)), points: bouts.filter(isPoint) };
}
function placed({ hasModel, isOther }, y) {
  if (isOther) return { y, modelY: y, differenceY: y, high: MODEL };
  if (!hasModel) return { y, modelY: y + OWN, differenceY: y + OWN, high: OWN };
  return {
    y,
    differenceY: y + OWN + GAP,
    modelY: y + OWN + DIFFERENCE + 2 * GAP,
    high: OWN + DIFFERENCE + 2 * GAP + MODEL,
  };
}

// The animals of a video that have a lane: those of which something is said, and the one that is coded.
export function subjectsOf(store) {
  const named = new Set([store.subject]);
  for (const list of [store.bouts, store.scored, store.notScored]) for (const { subject } of list) named.add(subject);
  return [...named].sort();
}
