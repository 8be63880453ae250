// A chat in a terminal: what scripts/chat runs. Arguments: who you are, whom you talk to; both are asked for when missing.
import { createInterface } from 'node:readline';
import { demo, signIn, tokenOf } from './people.js';

const URL = (process.env.CHAT_URL ?? 'http://localhost:8080').replace(/\/$/, '');
const PAST = 20;

const input = createInterface({ input: process.stdin, output: process.stdout, terminal: process.stdin.isTTY ?? false });
const lines = input[Symbol.asyncIterator]();
let typing = false; // whether there is a line to be kept below what comes

async function chat(name, withWhom) {
  const { anonKey, users } = await demo(URL);
  const me = await choose('Who are you?', users, name);
  const others = users.filter((user) => user.id !== me.id && user.team_id === me.team_id);
  const other = await choose('Whom do you talk to?', others, withWhom);
  const client = await signIn(URL, anonKey, await tokenOf(URL, me));
  const conversation = await call(client, 'get_or_create_conversation', { user1_id: me.id, user2_id: other.id });

  const names = { [me.id]: 'you', [other.id]: other.full_name.split(' ')[0] };
  const screen = new Screen(names);
  console.log(`You are ${me.full_name}, talking to ${other.full_name}. Type a message and press Enter; /quit leaves.`);
  await listen(client, conversation, screen);
  typing = true;
  prompt();

  for await (const line of { [Symbol.asyncIterator]: () => lines }) {
    const content = line.trim();
    if (input.terminal) {
      process.stdout.write('\x1b[1A\r\x1b[K'); // what was typed comes again, with its time
    }
    if (content === '/quit') {
      break;
    }
    if (content !== '') {
      const { data, error } = await client.rpc('send_message', { conversation_id: conversation, content });
      if (error) {
        screen.says(`not sent: ${error.message} ${error.hint ?? ''}`);
      } else {
        screen.shows(data);
      }
    }
    prompt();
  }
  typing = false;
  input.close();
  await client.removeAllChannels();
}

/** Shows what is there and what comes; after a lost connection, what was missed. Returns once it hears. */
function listen(client, conversation, screen) {
  return new Promise((resolve, reject) => {
    const binding = { schema: 'public', table: 'user_messages', filter: `conversation_id=eq.${conversation}` };
    client
      .channel(`conversation-${conversation}`)
      .on('postgres_changes', { ...binding, event: 'INSERT' }, ({ new: message }) => screen.shows(message))
      .on('postgres_changes', { ...binding, event: 'UPDATE' }, ({ new: message }) => screen.shows(message))
      .subscribe(async (status, error) => {
        if (status !== 'SUBSCRIBED') {
          if (status !== 'CLOSED') {
            screen.says(`connection lost, trying again${error ? `: ${error.message}` : ''}`);
          }
          return;
        }
        try {
          await screen.catchesUp(client, conversation);
          resolve();
        } catch (trouble) {
          reject(trouble);
        }
      });
  });
}

/** Prints each state of each message once, however often and by whichever way it comes. */
class Screen {
  #names;
  #revisions = new Map();
  #newest = 0;

  constructor(names) {
    this.#names = names;
  }

  async catchesUp(client, conversation) {
    const missed =
      this.#newest === 0
        ? await call(client, 'get_messages', { conversation_id: conversation, page_size: PAST })
        : await call(client, 'get_changes', { conversation_id: conversation, after_revision: this.#newest });
    missed.forEach((message) => this.shows(message));
  }

  shows(message) {
    const known = this.#revisions.get(message.id);
    if (known !== undefined && known >= message.revision) {
      return;
    }
    this.#revisions.set(message.id, message.revision);
    this.#newest = Math.max(this.#newest, message.revision);
    if (known !== undefined && !message.is_edited && !message.is_deleted) {
      return; // a reaction
    }
    const time = new Date(message.created_at).toTimeString().slice(0, 5);
    const text = message.is_deleted ? '(deleted)' : message.content + (message.is_edited ? ' (edited)' : '');
    this.says(`${time} ${this.#names[message.sender_id]}: ${text}`);
  }

  /** A line above what is being typed. */
  says(line) {
    process.stdout.write(`${typing && input.terminal ? '\r\x1b[K' : ''}${line}\n`);
    if (typing) {
      prompt(true);
    }
  }
}

function prompt(keepTyped = false) {
  if (input.terminal) {
    input.prompt(keepTyped);
  }
}

async function call(client, name, args) {
  const { data, error } = await client.rpc(name, args);
  if (error) {
    throw new Error(`${name}: ${error.message} ${error.hint ?? ''}`);
  }
  return data;
}

/** The person of that name, or the one picked from a numbered list. */
async function choose(question, people, name) {
  const named = (text) => people.find(({ full_name }) => full_name.toLowerCase().startsWith(text.toLowerCase()));
  if (name) {
    const found = named(name);
    if (!found) {
      throw new Error(`Nobody is called ${name} here: ${people.map(({ full_name }) => full_name).join(', ')}`);
    }
    return found;
  }
  console.log(question);
  people.forEach(({ full_name, team_name }, i) => console.log(`  ${i + 1}  ${full_name} (${team_name})`));
  for (;;) {
    prompt();
    const { value, done } = await lines.next();
    if (done) {
      process.exit(0);
    }
    const text = value.trim();
    const picked = /^\d+$/.test(text) ? people[Number(text) - 1] : text && named(text);
    if (picked) {
      return picked;
    }
    console.log(`A number from 1 to ${people.length}, or a name`);
  }
}

try {
  await chat(...process.argv.slice(2));
  process.exit(0);
} catch (error) {
  console.error(error.cause?.code === 'ECONNREFUSED' ? `Nothing answers at ${URL}: start it with scripts/run --demo` : error.message);
  process.exit(1);
}
