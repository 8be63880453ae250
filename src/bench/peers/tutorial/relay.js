// The relay of the common tutorial: a trigger that NOTIFYs the row, one connection that LISTENs, every change to every socket.
// Who may read what is left to the client, which filters. Started by the benchmark (TutorialService) with DATABASE_URL, PORT
// and PAIRS.
import { createServer } from 'node:http';
import pg from 'pg';
import { WebSocketServer } from 'ws';

const connectionString = process.env.DATABASE_URL;
const pool = new pg.Pool({ connectionString, max: 16 }); // as many as our service has
pool.on('error', (error) => console.error('An idle connection was lost:', error.message));

await pool.query(`
  create table if not exists conversations (id uuid primary key);
  create table if not exists messages (
    id bigint generated always as identity primary key,
    conversation_id uuid not null references conversations,
    sender_id uuid not null,
    content text not null,
    created_at timestamptz not null default now()
  );
  create index if not exists messages_by_conversation on messages (conversation_id, id);
  create or replace function notify_message() returns trigger language plpgsql as $$
  begin
    perform pg_notify('messages', row_to_json(new)::text);
    return new;
  end
  $$;
  create or replace trigger notify_message after insert on messages for each row execute function notify_message();
`);

for (const { conversation } of JSON.parse(process.env.PAIRS)) {
  await pool.query('insert into conversations (id) values ($1)', [conversation]);
}

const server = createServer(async (request, response) => {
  try {
    let body = '';
    for await (const part of request) body += part;
    const { conversation_id, sender_id, content } = JSON.parse(body);
    const { rows } = await pool.query({
      name: 'send',
      text: 'insert into messages (conversation_id, sender_id, content) values ($1, $2, $3) returning *',
      values: [conversation_id, sender_id, content],
    });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(rows[0]));
  } catch (error) {
    response.writeHead(500, { 'content-type': 'text/plain' }).end(error.message);
  }
});

const sockets = new WebSocketServer({ server });

// Listens, and again a second after the connection was lost, as the better tutorials do.
async function listen() {
  const client = new pg.Client({ connectionString, application_name: 'tutorial listener' });
  let lost = false;
  const again = () => {
    if (!lost) setTimeout(listen, 1000);
    lost = true;
  };
  client.on('error', again);
  client.on('end', again);
  client.on('notification', ({ payload }) => {
    for (const socket of sockets.clients) socket.send(payload);
  });
  try {
    await client.connect();
    await client.query('listen messages');
  } catch {
    again();
  }
}

await listen();
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'));
