// One person in an operating system process of their own, with one of the official clients.
// Forked by process.js; does what it is told and tells everything it hears.
//
// told:  {id, do: 'join', topic, binding} | {id, do: 'rpc', name, args} | {id, do: 'leave'}
// tells: {id, result} or {id, error} for each of these, and {change: {topic, payload}} for each change
import './quiet.js';
import { CLIENTS } from './people.js';

const [kind, url, anonKey, token] = JSON.parse(process.env.PERSON);

const client = await CLIENTS[kind](url, anonKey, token);

/** Ends in 'joined', or fails with what the client was told. */
function join(topic, binding) {
  return new Promise((resolve, reject) => {
    client
      .channel(topic)
      .on('postgres_changes', binding, (payload) => process.send({ change: { topic, payload } }))
      .subscribe((status, error) => {
        if (status === 'SUBSCRIBED') {
          resolve('joined');
        } else {
          reject(new Error(`${topic}: ${status} ${error?.message ?? ''}`));
        }
      });
  });
}

/** What the server said: {data, error, status}. realtime-js alone has no rpc, so that one is spelt out. */
async function rpc(name, args) {
  if (client.rpc) {
    const { data, error, status } = await client.rpc(name, args);
    return { data, error, status };
  }
  const response = await fetch(`${url}/rest/v1/rpc/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', apikey: anonKey, Authorization: `Bearer ${token}` },
    body: JSON.stringify(args),
  });
  const text = await response.text();
  const body = text === '' ? null : JSON.parse(text);
  return { data: response.ok ? body : null, error: response.ok ? null : body, status: response.status };
}

process.on('message', async (order) => {
  try {
    switch (order.do) {
      case 'join':
        process.send({ id: order.id, result: await join(order.topic, order.binding) });
        break;
      case 'rpc':
        process.send({ id: order.id, result: await rpc(order.name, order.args) });
        break;
      case 'leave':
        process.exit(0);
    }
  } catch (error) {
    process.send({ id: order.id, error: error.message });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true });
