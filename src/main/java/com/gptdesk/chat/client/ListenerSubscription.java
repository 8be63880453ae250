package com.gptdesk.chat.client;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Adapts a listener to a subscriber without back-pressure. */
final class ListenerSubscription implements Flow.Subscriber<LiveEvent>, LiveSubscription {

  private final Consumer<? super LiveEvent> listener;
  private final CompletableFuture<@Nullable Void> end = new CompletableFuture<>();
  private volatile Flow.@Nullable Subscription subscription;

  ListenerSubscription(Consumer<? super LiveEvent> listener) {
    this.listener = listener;
  }

  @Override
  public CompletionStage<@Nullable Void> ended() {
    return end.minimalCompletionStage();
  }

  @Override
  public void close() {
    Flow.Subscription current = subscription;
    if (current != null) {
      current.cancel();
    }
    end.complete(null);
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
    given.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(LiveEvent event) {
    try {
      listener.accept(event);
    } catch (RuntimeException | Error e) {
      end.completeExceptionally(e);
      throw e;
    }
  }

  @Override
  public void onError(Throwable failure) {
    end.completeExceptionally(failure);
  }

  @Override
  public void onComplete() {
    end.complete(null);
  }
}
