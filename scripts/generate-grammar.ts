/** Writes the TextMate grammar from the tables of src/isa: `npm run generate`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GRAMMAR_FILE, grammarText } from "./grammar.ts";

writeFileSync(join(import.meta.dirname, "..", GRAMMAR_FILE), grammarText());
console.log(`wrote ${GRAMMAR_FILE}`);
