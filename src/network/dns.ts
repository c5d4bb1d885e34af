/** RFC 1035, as much of it as it takes to say that nobody can be asked. */
export const DNS_PORT = 53;
const HEADER_BYTES = 12;
const IS_RESPONSE = 0x80;
const RECURSION_AVAILABLE = 0x80;
const SERVER_FAILURE = 2;

/** Undefined for what is no question. */
export function serverFailure(question: Uint8Array): Uint8Array | undefined {
  if (question.length < HEADER_BYTES || question[2] & IS_RESPONSE) return undefined;
  const answer = question.slice();
  answer[2] |= IS_RESPONSE;
  answer[3] = RECURSION_AVAILABLE | SERVER_FAILURE;
  return answer;
}
