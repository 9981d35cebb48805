/** `npm run bench`: everything of it is in benchmark/. */
import "../benchmark/main";
