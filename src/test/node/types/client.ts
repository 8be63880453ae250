// Read by tsc alone: what createClient<Database> lets a client write, and what it must not. Each @ts-expect-error is a
// line that does not compile; one that compiles is an error.
import { createClient } from '@supabase/supabase-js';
import { createClient as createNewestClient } from 'supabase-js-2.119.1';
import type { Database } from 'database';

const supabase = createClient<Database>('http://localhost:8080', 'key');
const newest = createNewestClient<Database>('http://localhost:8080', 'key');
const conversation_id = '00000000-0000-4000-8000-000000000000';

export async function right() {
  const { data: message } = await supabase.rpc('send_message', { conversation_id, content: 'Lunch?' });
  if (message) {
    const seq: number = message.seq;
    const file: string | null = message.file_url;
    const type: 'text' | 'file' | 'image' = message.message_type;
    const name: string | null = message.sender.full_name;
    const reaction: string[] | undefined = message.reactions[0]?.user_ids;
    console.log(seq, file, type, name, reaction);
  }
  await newest.rpc('send_message', {
    conversation_id,
    content: 'menu.pdf',
    message_type: 'file',
    file_url: 'https://example.org/menu.pdf',
    metadata: { from: { kitchen: 1 } },
  });
  const { data: conversations } = await newest.rpc('get_conversations', {});
  const last: string | undefined = conversations?.[0]?.last_message?.content;
  const unread: number | undefined = (await supabase.rpc('get_unread_total')).data?.messages;
  await supabase.rpc('update_typing_status', { typing_to: null });
  await supabase.rpc('set_muted', { conversation_id, until: 'infinity' });
  await supabase.rpc('update_presence', { status: 'away' });
  return [last, unread];
}

export async function wrong() {
  // @ts-expect-error without its text
  await supabase.rpc('send_message', { conversation_id });
  // @ts-expect-error another type of message
  await supabase.rpc('send_message', { conversation_id, content: '', message_type: 'video' });
  // @ts-expect-error a number in place of its text
  await newest.rpc('send_message', { conversation_id, content: 5 });
  // @ts-expect-error a list of one id
  await supabase.rpc('mark_as_read', { message_ids: conversation_id });
  // @ts-expect-error no such function
  await supabase.rpc('send_massage', { conversation_id, content: '' });
  // @ts-expect-error no such status
  await newest.rpc('update_presence', { status: 'asleep' });
  const { data } = await supabase.rpc('get_messages', { conversation_id });
  // @ts-expect-error no such column
  console.log(data?.[0]?.recipient_name);
  // @ts-expect-error it may be null
  const file: string | undefined = data?.[0]?.file_url;
  return file;
}
