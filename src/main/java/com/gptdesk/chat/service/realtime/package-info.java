/**
 * The WebSocket side: Supabase Realtime's protocol, versions 1.0.0 and 2.0.0, as the official
 * clients speak it. Frames are sealed types; a socket carries channels, a channel carries bindings,
 * and a change goes to the channels of those who may see it. Who that is was decided in the
 * database, which wrote it beside the change.
 */
@NullMarked
package com.gptdesk.chat.service.realtime;

import org.jspecify.annotations.NullMarked;
