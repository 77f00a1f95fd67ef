// What a person decides goes to the addresses of the Label page: one edit after another, each once, and its undo.

import { pause, post } from "../shared/ask.js";
import { authorOf } from "../shared/kept.js";
import { words } from "../shared/words.js";

const AGAIN = 1000; // milliseconds until what was not answered is sent again
const newId = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 12)}`;

export function makeSaving(review, { refuse, tell, onSaving }) {
  let line = Promise.resolve(); // one request at a time: each is about the revision that the one before gave
  const saving = { numWaiting: 0, trouble: "", hasSaved: false };
  const inLine = (work) => {
    saving.numWaiting += 1;
    onSaving();
    const done = line.then(work);
    line = done
      .catch(() => {}) // a bug, which the console says; what comes next goes on
      .then(() => {
        saving.numWaiting -= 1;
        onSaving();
      });
    return done;
  };
  // Sent again until the app has answered: an edit of an id is made once.
  async function untilAnswered(address, value) {
    for (;;) {
      const answer = await post(address, value());
      saving.trouble = answer.isSilent ? answer.error : "";
      onSaving();
      if (!answer.isSilent) return answer;
      await pause(AGAIN);
    }
  }
  function take(answer) {
    if (answer.revision !== undefined) review.revision = answer.revision;
    if (answer.undo !== undefined) review.undoable = answer.undo;
    saving.hasSaved = true;
  }

  // One edit of the video, and before it the blind check that it is the answer of. Gives back whether it was done.
  saving.send = (edit, check = null) => {
    const { video } = review;
    const { axis, subject } = review.answer;
    const [id, author] = [newId(), authorOf()];
    const fields = check && { ...review.fields(), axis, subject, ...check, id, author };
    return inLine(async () => {
      const kept = fields ? await untilAnswered("review/blind/check", () => fields) : {};
      if (kept.error) {
        refuse(kept.error);
        return false;
      }
      const edits = [{ id, ...edit }];
      const value = () => ({ video, revision: review.revision, author, edits });
      const answer = await untilAnswered("label/edit", value);
      const refusal = answer.error ?? answer.results?.[0]?.error;
      if (refusal) refuse(refusal);
      else take(answer);
      return !refusal;
    });
  };
  // Takes the last edit of the project back.
  saving.undo = () =>
    inLine(async () => {
      const { video, undoable: step } = review;
      if (!step) {
        refuse(words.review_no_undo);
        return false;
      }
      const value = () => ({ video, author: authorOf(), since: review.revision, edit: step.revision });
      const answer = await untilAnswered("label/undo", value);
      if (answer.error) {
        refuse(answer.error);
        return false;
      }
      take(answer);
      tell(answer.words);
      return true;
    });
  return saving;
}
