// A chat by Parse Server, as its documentation builds one: a class of messages whose readers are in each object's ACL, a trigger
// before saving that lets only the two people of a conversation write to it, and a live query of the conversation.
// Started by the benchmark (ParseService) with DATABASE_URL, PORT and PAIRS; says "ready" and each person's session token.
// package.json names the router: Parse Server reads its inner parts, which version 2.3 has changed.
import { createServer } from 'node:http';
import express from 'express';
process.env.PARSE_SERVER_LOGS_FOLDER = 'null'; // read while it is loaded
const { ParseServer } = await import('parse-server');

const port = Number(process.env.PORT);
const serverURL = `http://127.0.0.1:${port}/parse`;
const masterKey = 'the key of a benchmark';
const authenticated = { requiresAuthentication: true };

const parse = new ParseServer({
  databaseURI: `${process.env.DATABASE_URL}?poolSize=16`, // as many as our service has
  appId: 'chat',
  masterKey,
  serverURL,
  allowCustomObjectId: true,
  liveQuery: { classNames: ['Message'] },
  logLevel: 'error',
  schema: {
    strict: false,
    definitions: [
      {
        className: 'Conversation',
        fields: { one: { type: 'String' }, other: { type: 'String' } },
        classLevelPermissions: { find: authenticated, get: authenticated },
      },
      {
        className: 'Message',
        fields: { conversation: { type: 'String' }, sender: { type: 'String' }, content: { type: 'String' } },
        indexes: { conversation: { conversation: 1, createdAt: 1 } },
        classLevelPermissions: { find: authenticated, get: authenticated, create: authenticated },
      },
    ],
  },
  cloud() {
    const { Parse } = globalThis;
    Parse.Cloud.beforeSave('Message', async ({ object, user }) => {
      const conversation = await new Parse.Query('Conversation')
        .get(object.get('conversation'), { sessionToken: user.getSessionToken() });
      object.set('sender', user.id);
      object.setACL(new Parse.ACL());
      for (const person of ['one', 'other']) object.getACL().setReadAccess(conversation.get(person), true);
    });
  },
});
await parse.start();

const app = express();
app.use('/parse', parse.app);
const server = createServer(app);
await ParseServer.createLiveQueryServer(server, { logLevel: 'error' });
await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));

async function create(path, body, headers) {
  const response = await fetch(serverURL + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-parse-application-id': 'chat', ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return response.json();
}

const tokens = {};
for (const { one, other, conversation } of JSON.parse(process.env.PAIRS)) {
  for (const person of [one, other]) {
    const signedUp = await create('/users', { objectId: person, username: person, password: 'of a benchmark' });
    tokens[person] = signedUp.sessionToken;
  }
  const readers = { [one]: { read: true }, [other]: { read: true } };
  await create('/classes/Conversation', { objectId: conversation, one, other, ACL: readers }, { 'x-parse-master-key': masterKey });
}
console.log('ready', JSON.stringify(tokens));
