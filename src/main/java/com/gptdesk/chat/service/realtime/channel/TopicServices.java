package com.gptdesk.chat.service.realtime.channel;

import java.util.function.LongSupplier;

/**
 * What the topics of all sockets of a node share.
 *
 * @param topics asks the database about topics
 * @param tracker what this node shows there
 * @param limits what may be said and shown there
 * @param nanoClock measures the limits, as {@link System#nanoTime} counts
 */
public record TopicServices(
    Topics topics, PresenceTracker tracker, TopicLimits limits, LongSupplier nanoClock) {}
