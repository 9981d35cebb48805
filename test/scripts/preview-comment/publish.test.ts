import test from "ava";
import { publishComment, publishIssue } from "../../../scripts/preview-comment/publish";
import { type GithubServer, startGithub, stored } from "./github-server";

const bot = "github-actions[bot]";
const marker = "<!-- trilithon-preview: trilithon/dev -->";

function target({ api }: GithubServer) {
  const repository = { api, name: "acme/web", token: "the-token", retrySeconds: 0 };
  return { repository, author: bot };
}

test("makes a comment once, then edits it, then leaves it alone", async (t) => {
  const github = await startGithub();
  t.teardown(github.stop);
  t.is(await publishComment(target(github), 7, `${marker}\nfirst\n`), "made");
  t.is(await publishComment(target(github), 7, `${marker}\nsecond\n`), "edited");
  t.is(await publishComment(target(github), 7, `${marker}\nsecond\n`), "nothing to do");
  t.deepEqual(
    github.comments.map(({ body }) => body),
    [`${marker}\nsecond\n`],
  );
});

test("finds its comment on the third page", async (t) => {
  const github = await startGithub();
  t.teardown(github.stop);
  for (let id = 1; id <= 230; id += 1) github.comments.push(stored(id, "octocat", "hello"));
  github.comments.push(stored(231, bot, `${marker}\r\nold\r\n`));
  t.is(await publishComment(target(github), 7, `${marker}\nnew\n`), "edited");
  t.is(github.comments.length, 231);
  t.is(github.calls.filter((call) => call.startsWith("GET")).length, 3);
});

test("leaves alone what others wrote under its marker, quoted it, or another stack's", async (t) => {
  const github = await startGithub();
  t.teardown(github.stop);
  github.comments.push(stored(1, "octocat", `${marker}\nmine now\n`));
  github.comments.push(stored(2, bot, `look:\n${marker}\n`));
  github.comments.push(stored(3, bot, "<!-- trilithon-preview: trilithon/production -->\nx\n"));
  t.is(await publishComment(target(github), 7, `${marker}\nnew\n`), "made");
  t.is(github.comments[0]?.body, `${marker}\nmine now\n`);
  t.is(github.comments.length, 4);
});

test("opens one issue for drift, keeps it up to date, and closes it", async (t) => {
  const github = await startGithub();
  t.teardown(github.stop);
  github.issues.push({ ...stored(1, bot, `${marker}\na\n`), state: "open", pull_request: {} });
  const title = "drift on trilithon/dev";
  const publish = (markdown: string, state: "drifted" | "clean") =>
    publishIssue(target(github), { title, markdown, state });
  t.is(await publish(`${marker}\nfine\n`, "clean"), "nothing to do");
  t.is(await publish(`${marker}\none\n`, "drifted"), "made");
  t.is(await publish(`${marker}\ntwo\n`, "drifted"), "edited");
  t.is(await publish(`${marker}\ntwo\n`, "drifted"), "nothing to do");
  t.is(github.issues[1]?.body, `${marker}\ntwo\n`);
  t.is(await publish(`${marker}\nfine\n`, "clean"), "closed");
  t.is(github.issues[1]?.state, "closed");
  t.is(github.comments.at(-1)?.body, `${marker}\nfine\n`);
  t.is(await publish(`${marker}\nthree\n`, "drifted"), "made");
  t.is(github.issues.length, 3);
});

test("asks again where the server fails for a moment", async (t) => {
  const github = await startGithub();
  t.teardown(github.stop);
  github.failures.push(502, 503, 429);
  t.is(await publishComment(target(github), 7, `${marker}\nfirst\n`), "made");
});

test("does not post twice where it cannot know whether the first was taken", async (t) => {
  const github = await startGithub();
  t.teardown(github.stop);
  github.failures.push(200, 500);
  await t.throwsAsync(publishComment(target(github), 7, `${marker}\nfirst\n`), {
    message: /^github: POST issues\/7\/comments: 500: /,
  });
});

test("says which call was refused, and never the token", async (t) => {
  const github = await startGithub();
  t.teardown(github.stop);
  const { repository } = target(github);
  const error = await t.throwsAsync(
    publishComment({ repository: { ...repository, token: "wrong" }, author: bot }, 7, marker),
  );
  t.regex(error?.message ?? "", /^github: GET issues\/7\/comments\?\S+: 401: /);
  t.false(error?.message.includes("wrong"));
});

test("refuses a text that carries no marker", async (t) => {
  const github = await startGithub();
  t.teardown(github.stop);
  await t.throwsAsync(publishComment(target(github), 7, "hello\n"), {
    message: 'publish: expected a comment with a marker in its first line, got "hello"',
  });
});
