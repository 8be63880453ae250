package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.realtime.changes.Audiences;
import com.gptdesk.chat.service.realtime.changes.CommonBindings;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.changes.SharedPayloads;
import com.gptdesk.chat.service.realtime.channel.ReplaySource;
import com.gptdesk.chat.service.realtime.channel.TopicServices;
import java.util.function.LongSupplier;

/**
 * What all sockets of a node share.
 *
 * @param settings the limits
 * @param tokens verifies the tokens of joins
 * @param fanOut where the relay tells its changes
 * @param tables what is published
 * @param bindings those that many channels have alike
 * @param payloads the encodings of changes
 * @param audiences asks the database what a user may hear, in turn with other sockets
 * @param replay from where missed changes are replayed
 * @param topics broadcasts and presence
 * @param users who is connected
 * @param metrics the counters
 * @param nanoClock measures limits per second and silence
 */
record SharedParts(
    RealtimeSettings settings,
    TokenVerifier tokens,
    FanOut fanOut,
    PublishedTables tables,
    CommonBindings bindings,
    SharedPayloads payloads,
    Audiences audiences,
    ReplaySource replay,
    TopicServices topics,
    ConnectedUsers users,
    SocketMetrics metrics,
    LongSupplier nanoClock) {

  /** Now, as {@link System#nanoTime} counts. */
  long nanos() {
    return nanoClock.getAsLong();
  }
}
