// Talking to the server, with a sentence for everything that can go wrong.
((ecg) => {
  "use strict";
  const SENTENCES = {
    401: "You have been signed out. Sign in and try again.",
    403: "You may not do that, or this page is too old. Reload it and try again.",
    404: "That is no longer there.",
    429: "Too many requests. Wait a minute and try again.",
  };

  ecg.Failed = class extends Error {};

  // an answer of the wanted type; whatever else comes is thrown as a sentence
  ecg.get = async (url, options = {}, type = "octet-stream") => {
    let answer;
    try {
      answer = await fetch(url, { credentials: "same-origin", ...options, headers: { Accept: "application/json", ...options.headers } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ecg.Failed("The server did not answer. Check the connection and try again.");
    }
    const isOf = (wanted) => answer.headers.get("Content-Type")?.includes(wanted);
    if (answer.ok && isOf(type)) return answer;
    if (answer.redirected && !isOf("json")) throw new ecg.Failed(SENTENCES[401]);
    const body = isOf("json") ? await answer.json() : {};
    throw new ecg.Failed(body.message ?? SENTENCES[answer.status] ?? "Something went wrong on our side. Try again in a moment.");
  };

  ecg.getJson = async (url, options = {}) => (await ecg.get(url, options, "json")).json();

  ecg.postForm = (url, fields, token) =>
    ecg.getJson(url, { method: "POST", body: new URLSearchParams(fields), headers: { "X-CSRFToken": token } });

  ecg.csrfToken = (near) =>
    (near.querySelector("[name=csrfmiddlewaretoken]") ?? document.querySelector("[name=csrfmiddlewaretoken]"))?.value
    ?? /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
})((window.ecgViewer ??= {}));
