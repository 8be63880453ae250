package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.files.ObjectStore;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Bytes from elsewhere for a response, sent by a thread that blocks. It reads the next ones when
 * the socket has taken the last ones, so that a slow reader fills no memory.
 */
final class ResponseBody {
  private static final int BUFFER = 64 * 1024;

  private final HttpServerResponse response;
  private final Context loop;

  ResponseBody(HttpServerResponse response, Context loop) {
    this.response = response;
    this.loop = loop;
  }

  /**
   * Sends all of it, and closes it.
   *
   * @param failed told on the event loop of what ended it before its end
   */
  void send(ObjectStore.Content.Streamed content, Consumer<Throwable> failed) {
    try (InputStream bytes = content.bytes()) {
      byte[] buffer = new byte[BUFFER];
      long left = content.length();
      while (left > 0) {
        int read = bytes.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (read < 0) {
          throw new EOFException("%d bytes are missing".formatted(left));
        }
        Buffer some = Buffer.buffer(read).appendBytes(buffer, 0, read);
        taken(() -> response.write(some));
        left -= read;
      }
      taken(response::end);
    } catch (IOException e) {
      loop.runOnContext(nothing -> failed.accept(e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      loop.runOnContext(nothing -> failed.accept(e));
    }
  }

  /** Waits until the socket has it. */
  private void taken(Supplier<Future<Void>> what) throws IOException, InterruptedException {
    CompletableFuture<Void> done = new CompletableFuture<>();
    loop.runOnContext(
        nothing -> {
          if (response.closed() || response.ended()) {
            done.completeExceptionally(new IOException("The client has gone"));
            return;
          }
          what.get()
              .onComplete(
                  written -> {
                    if (written.succeeded()) {
                      done.complete(null);
                    } else {
                      done.completeExceptionally(written.cause());
                    }
                  });
        });
    try {
      done.get();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
  }
}
