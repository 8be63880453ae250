package com.gptdesk.chat.service.replica;

import com.gptdesk.chat.database.connection.Login;
import java.time.Duration;

/**
 * A streaming replica that answers what only reads.
 *
 * @param login where it is, and as whom to enter
 * @param poolSize connections to it
 * @param maxLag further behind the primary than this it is not asked
 * @param maxCallers of how many people it is remembered what they must see; when there are more,
 *     everybody must see what stands at that moment
 */
public record ReplicaSettings(Login login, int poolSize, Duration maxLag, int maxCallers) {}
