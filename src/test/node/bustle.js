// A little of everything that the dashboard shows: two people who talk, hear each other, come back and are sometimes refused.
import { createClient } from '@supabase/supabase-js';
import { before } from './deadline.js';
import { demo, signedInWith, signOut, tokenOf } from './people.js';

export class Bustle {
  #url;
  #anonKey;
  #alice;
  #bob;
  #conversation;
  #heard;

  static async at(url) {
    const bustle = new Bustle();
    await bustle.#enter(url);
    return bustle;
  }

  async #enter(url) {
    const { anonKey, users } = await demo(url);
    this.#url = url;
    this.#anonKey = anonKey;
    const [alice, bob] = ['Alice', 'Bob'].map((name) => users.find(({ full_name }) => full_name.startsWith(name)));
    this.#alice = await this.#client(alice);
    this.#bob = await this.#client(bob);
    this.#conversation = await called(this.#alice, 'get_or_create_conversation', { user1_id: alice.id, user2_id: bob.id });
    await this.#listen(this.#alice);
    await this.#listen(this.#bob, (row) => this.#heard?.(row));
  }

  async #client(user) {
    const client = createClient(this.#url, this.#anonKey, signedInWith(await tokenOf(this.#url, user)));
    await client.realtime.setAuth();
    return client;
  }

  async #listen(client, hears = () => {}, since = undefined) {
    const filter = `conversation_id=eq.${this.#conversation}`;
    const channel = client
      .channel(`conversation-${this.#conversation}`)
      .on('postgres_changes', { event: '*', schema: 'public', table: 'user_messages', filter, since }, ({ new: row }) => hears(row));
    await before('a channel to be joined', new Promise((resolve) => channel.subscribe((status) => status === 'SUBSCRIBED' && resolve())));
  }

  /** One message, sent, heard, read; and one that is refused. */
  async talk() {
    const heard = new Promise((resolve) => (this.#heard = resolve));
    await called(this.#alice, 'send_message', { conversation_id: this.#conversation, content: 'Lunch at noon?' });
    await before('Bob to hear', heard);
    await called(this.#bob, 'mark_conversation_as_read', { conversation_id: this.#conversation });
    await called(this.#bob, 'get_conversations', {});
    await called(this.#bob, 'get_messages', { conversation_id: this.#conversation });
    const { error } = await this.#alice.rpc('send_message', { conversation_id: this.#conversation, content: '' });
    if (!error) {
      throw new Error('an empty message was taken');
    }
  }

  /** Bob comes back on a new socket, and is told the conversation from its beginning. */
  async comesBack() {
    await this.#bob.removeAllChannels();
    await this.#listen(this.#bob, (row) => this.#heard?.(row), 0);
  }

  async end() {
    await Promise.all([signOut(this.#alice), signOut(this.#bob)]);
  }
}

async function called(client, name, args) {
  const { data, error } = await client.rpc(name, args);
  if (error) {
    throw new Error(`${name}: ${JSON.stringify(error)}`);
  }
  return data;
}
