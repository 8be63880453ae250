package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.realtime.changes.Audiences;
import com.gptdesk.chat.service.realtime.changes.CommonSubscriptions;
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
 * @param endedTokens those that have closed a socket
 * @param fanOut delivers the relay's changes
 * @param tables the published tables
 * @param subscriptions subscriptions that many channels share
 * @param payloads the encodings of changes
 * @param audiences reads which audiences a user belongs to, in turn with other sockets
 * @param replay the source of missed changes
 * @param topics broadcasts and presence
 * @param users who is connected
 * @param metrics the counters
 * @param nanoClock the clock of rate limits and timeouts
 */
record SharedParts(
    RealtimeSettings settings,
    TokenVerifier tokens,
    EndedTokens endedTokens,
    FanOut fanOut,
    PublishedTables tables,
    CommonSubscriptions subscriptions,
    SharedPayloads payloads,
    Audiences audiences,
    ReplaySource replay,
    TopicServices topics,
    ConnectedUsers users,
    SocketMetrics metrics,
    LongSupplier nanoClock) {

  /** The time now, like {@link System#nanoTime}. */
  long nanos() {
    return nanoClock.getAsLong();
  }
}
