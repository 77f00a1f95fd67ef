// Colours of the rows of the timeline: a class that is called like a behaviour of the project has its colour.

import * as bus from "../shared/bus.js";
import { behaviourColour, paint } from "../shared/colours.js";

const named = (column) => bus.last.behaviour_colours?.[bus.last.timeline?.classes[column]];

// For CSS; -1 is no behaviour.
export const columnColour = (column) => named(column) ?? behaviourColour(column);

// For a canvas, which knows no variables of CSS.
export const columnPaint = (column) => named(column) ?? paint(column);
