package com.gptdesk.chat.service;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.internal.chat.Routines;
import java.util.concurrent.Callable;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import picocli.CommandLine.Command;

/** The opposite of a node that starts with a key. */
@Command(
    name = "push-off",
    description =
        "Turn push notifications off for all nodes, also while they run. What waits to be sent is"
            + " dropped, and devices stay registered. A node that starts with a key"
            + " (CHAT_PUSH_KEY_FILE) turns them on again.",
    mixinStandardHelpOptions = true,
    version = Main.VERSION)
final class PushOffCommand implements Callable<Integer> {
  @Override
  public Integer call() throws Exception {
    return OwnerCommand.run(
        Login::connect,
        owner ->
            OwnerCommand.say(
                "Push",
                "off",
                Routines.setPushKey(
                    DSL.using(owner, SQLDialect.POSTGRES).configuration(), null, null)));
  }
}
