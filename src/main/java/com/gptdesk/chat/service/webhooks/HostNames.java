package com.gptdesk.chat.service.webhooks;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Resolves the names of hosts, each within a limit. The system's resolver cannot be interrupted and
 * holds the thread that asks. So each name has a platform thread of its own, and whoever asks for
 * the same name meanwhile waits for the same answer: a name server that hangs holds one thread a
 * name. Thread-safe.
 */
final class HostNames {

  /** Asks for the addresses of a host; may take long. */
  @FunctionalInterface
  interface Lookup {
    InetAddress[] of(String host) throws UnknownHostException;
  }

  private final Lookup lookup;
  private final Duration limit;
  private final Map<String, CompletableFuture<InetAddress[]>> asked = new ConcurrentHashMap<>();

  /**
   * @param limit an answer that comes later does not count
   */
  HostNames(Lookup lookup, Duration limit) {
    this.lookup = lookup;
    this.limit = limit;
  }

  /**
   * The addresses of a host: one at the least. Blocks.
   *
   * @throws WebhookAddress.Refused there is no such host, or nobody has said so within the limit
   */
  InetAddress[] of(String host) throws WebhookAddress.Refused {
    try {
      return asked
          .computeIfAbsent(host, this::ask)
          .get(limit.toMillis(), TimeUnit.MILLISECONDS)
          .clone();
    } catch (TimeoutException e) {
      throw new WebhookAddress.Refused(
          "the name %s was not resolved in %d ms".formatted(host, limit.toMillis()));
    } catch (ExecutionException e) {
      throw new WebhookAddress.Refused("there is no host " + host);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WebhookAddress.Refused("the node stops");
    }
  }

  private CompletableFuture<InetAddress[]> ask(String host) {
    CompletableFuture<InetAddress[]> answer = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("webhook-name-" + host)
        .start(
            () -> {
              try {
                answer.complete(lookup.of(host));
              } catch (UnknownHostException | RuntimeException e) {
                answer.completeExceptionally(e);
              } finally {
                asked.remove(host, answer);
              }
            });
    return answer;
  }
}
