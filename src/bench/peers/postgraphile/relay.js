// A chat by PostGraphile, as its documentation builds one: row-level security by the claims of a token, a mutation it makes of the
// table, a trigger that NOTIFYs the row's id, and a subscription of a conversation that reads that row as who subscribed.
// Started by the benchmark (PostGraphileService) with DATABASE_URL, PORT, PAIRS and
// the role bench_person; says "ready" and each person's token.
import { createServer } from 'node:http';
import pg from 'pg';
import jwt from 'jsonwebtoken';
import pubsub from '@graphile/pg-pubsub';
import utils from 'graphile-utils';
import relay from 'postgraphile';

const { embed, gql, makeExtendSchemaPlugin } = utils;
const secret = 'the secret of a benchmark';
const pairs = JSON.parse(process.env.PAIRS);
const connectionString = process.env.DATABASE_URL;
const pool = new pg.Pool({ connectionString, max: 17 }); // as many as our service has, and the listener
pool.on('error', (error) => console.error('An idle connection was lost:', error.message));

await pool.query(`
  create schema app;
  grant usage on schema app to bench_person;
  create function app.me() returns uuid language sql stable
    return nullif(current_setting('jwt.claims.person', true), '')::uuid;
  create table app.conversations (id uuid primary key, one uuid not null, other uuid not null);
  create table app.messages (
    id bigint generated always as identity primary key,
    conversation_id uuid not null references app.conversations,
    sender_id uuid not null default app.me(),
    content text not null check (length(content) between 1 and 10000),
    created_at timestamptz not null default now()
  );
  create index on app.messages (conversation_id, id);
  alter table app.conversations enable row level security;
  alter table app.messages enable row level security;
  grant select on app.conversations to bench_person;
  grant select, insert on app.messages to bench_person;
  create policy theirs on app.conversations to bench_person using (app.me() in (one, other));
  create policy readable on app.messages for select to bench_person
    using (exists (select from app.conversations c where c.id = conversation_id));
  create policy writable on app.messages for insert to bench_person
    with check (sender_id = app.me() and exists (select from app.conversations c where c.id = conversation_id));
  create function app.notify_message() returns trigger language plpgsql as $$
  begin
    perform pg_notify('conversation:' || new.conversation_id, json_build_object('id', new.id)::text);
    return new;
  end
  $$;
  create trigger notify_message after insert on app.messages for each row execute function app.notify_message();
  comment on function app.me() is E'@omit';
`);

// The first event is for who subscribes to know that it is heard.
const subscription = makeExtendSchemaPlugin(({ pgSql: sql }) => ({
  typeDefs: gql`
    type MessageAdded { message: Message }
    extend type Subscription {
      messageAdded(conversationId: UUID!): MessageAdded @pgSubscription(topic: ${embed(({ conversationId }) => `conversation:${conversationId}`)}, initialEvent: ${embed(() => ({ id: null }))})
    }
  `,
  resolvers: {
    MessageAdded: {
      async message(event, _arguments, _context, { graphile: { selectGraphQLResultFromTable } }) {
        if (!event.id) return null;
        const rows = await selectGraphQLResultFromTable(sql.fragment`app.messages`, (alias, query) =>
          query.where(sql.fragment`${alias}.id = ${sql.value(event.id)}`));
        return rows[0];
      },
    },
  },
}));

const middleware = relay.postgraphile(pool, 'app', {
  pluginHook: relay.makePluginHook([pubsub.default]),
  appendPlugins: [subscription],
  subscriptions: true,
  websockets: ['v1'],
  jwtSecret: secret,
  pgDefaultRole: 'bench_person',
  jwtVerifyOptions: { audience: null },
  subscriptionEventEmitterMaxListeners: 0,
  disableQueryLog: true,
});
const server = createServer(middleware);
relay.enhanceHttpServerWithWebSockets(server, middleware);

const tokens = {};
for (const { one, other, conversation } of pairs) {
  await pool.query('insert into app.conversations (id, one, other) values ($1, $2, $3)', [conversation, one, other]);
  for (const person of [one, other]) tokens[person] = jwt.sign({ person, role: 'bench_person' }, secret);
}
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready', JSON.stringify(tokens)));
