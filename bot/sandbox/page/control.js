/** What people do at the page goes to the sandbox's control endpoints: docs/sandbox.md. */

/** The sandbox, or the app, did not do it; the message says why. */
export class Refusal extends Error {
  /** @param {string} message @param {number} status the HTTP status; 504 when the app did not answer */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} action "say", "click", ...
 * @param {Record<string, any>} [given]
 * @returns {Promise<any>} what the endpoint answers with
 */
export async function act(action, given = {}) {
  let response;
  try {
    response = await fetch(`/control/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(given),
    });
  } catch {
    throw new Refusal("The sandbox does not answer. Is it still running?", 0);
  }
  const answer = await response.json();
  if (!answer.ok) throw new Refusal(answer.error, response.status);
  return answer;
}
