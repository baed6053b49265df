/* Off the page's own thread: the number for which SHA-256 of salt and number is the challenge (ALTCHA, version 1). */

onmessage = async (event) => {
  const { salt, challenge, maxnumber } = event.data, encoder = new TextEncoder();
  for (let number = 0; number <= maxnumber; number += 1) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(salt + number)));
    if (challenge === Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")) return postMessage(number);
  }
  return postMessage(-1);
};
