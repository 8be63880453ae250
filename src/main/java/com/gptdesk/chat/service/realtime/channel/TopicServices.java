package com.gptdesk.chat.service.realtime.channel;

import java.util.function.LongSupplier;

/**
 * What the topics of all sockets of a node share.
 *
 * @param topics the topics in the database
 * @param tracker what this node tracks there
 * @param limits the limits of broadcasts and presence
 * @param nanoClock the clock of the limits, like {@link System#nanoTime}
 */
public record TopicServices(
    Topics topics, PresenceTracker tracker, TopicLimits limits, LongSupplier nanoClock) {}
