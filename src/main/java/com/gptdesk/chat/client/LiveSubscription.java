package com.gptdesk.chat.client;

import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** A listener's subscription to live changes. Thread-safe. */
public interface LiveSubscription extends AutoCloseable {

  /**
   * The end of it.
   *
   * @return done when the {@link LiveChanges} or this subscription was closed; failed with a {@link
   *     com.gptdesk.chat.database.Refusal} when the person is unknown or may no longer use the
   *     chat, and with whatever the listener threw
   */
  CompletionStage<@Nullable Void> ended();

  /** Ends it; an event that is being handled at this moment is still handled. */
  @Override
  void close();
}
