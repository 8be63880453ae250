// What the specification's code takes for granted: React, a client that is signed in, and the types of rows.
import type { SupabaseClient } from '@supabase/supabase-js';

export { useEffect, useState } from 'react';

let current: SupabaseClient;

/** The person as whom the code runs from now on. */
export function actAs(client: SupabaseClient) {
  current = client;
}

export function createSupabaseClient(): SupabaseClient {
  return current;
}

export interface UserMessage {
  id: string;
  conversation_id: string;
  sender_id: string;
  content: string;
}

export interface UserPresence {
  user_id: string;
  status: string;
  is_typing_to: string | null;
  typing_started_at: string | null;
}
