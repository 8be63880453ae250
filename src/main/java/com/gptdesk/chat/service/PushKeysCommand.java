package com.gptdesk.chat.service;

import com.gptdesk.chat.service.push.PushKey;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Makes the key that push notifications are sent with. Prints its public half. */
@Command(
    name = "push-keys",
    description =
        "Write a new key for push notifications to a file (CHAT_PUSH_KEY_FILE), which only its owner"
            + " may read, and print its public half. A file that is there stays: another key ends"
            + " all subscriptions.",
    mixinStandardHelpOptions = true,
    version = Main.VERSION)
final class PushKeysCommand implements Callable<Integer> {
  @Parameters(paramLabel = "FILE", description = "The file to write.")
  private Path file = Path.of("");

  @Override
  public Integer call() throws Exception {
    PushKey key = PushKey.generate();
    try {
      key.write(file);
    } catch (FileAlreadyExistsException e) {
      throw new IllegalStateException(file + " is there already; nothing was written.");
    }
    System.out.println(key.publicKey());
    return 0;
  }
}
