CREATE TABLE `approvals` (
	`id` text PRIMARY KEY NOT NULL,
	`team_id` text NOT NULL,
	`agent` text NOT NULL,
	`message_id` text,
	`type` text NOT NULL,
	`tool` text NOT NULL,
	`input` text NOT NULL,
	`questions` text,
	`reason` text DEFAULT '' NOT NULL,
	`status` text DEFAULT 'pending' NOT NULL,
	`scope` text,
	`message` text DEFAULT '' NOT NULL,
	`updated_input` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`decided_at` integer,
	`delivered_at` integer,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `approvals_team_created` ON `approvals` (`team_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `approvals_open` ON `approvals` (`team_id`) WHERE delivered_at is null;--> statement-breakpoint
CREATE TABLE `usage_days` (
	`day` text NOT NULL,
	`org_id` text DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	`team_id` text NOT NULL,
	`agent_id` text NOT NULL,
	`team` text NOT NULL,
	`agent` text NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`cache_creation_input_tokens` integer DEFAULT 0 NOT NULL,
	`cache_read_input_tokens` integer DEFAULT 0 NOT NULL,
	`cost_usd` real DEFAULT 0 NOT NULL,
	`turns` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`day`, `agent_id`)
);
--> statement-breakpoint
CREATE INDEX `usage_days_org` ON `usage_days` (`org_id`,`day`);--> statement-breakpoint
ALTER TABLE `agents` ADD `budget` text;--> statement-breakpoint
ALTER TABLE `messages` ADD `idempotency_key` text;--> statement-breakpoint
CREATE UNIQUE INDEX `messages_idempotency` ON `messages` (`team_id`,`idempotency_key`) WHERE idempotency_key is not null;--> statement-breakpoint
ALTER TABLE `teams` ADD `budget` text;