CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`org_id` text NOT NULL,
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`role` text NOT NULL,
	`prefix` text NOT NULL,
	`key_hash` text NOT NULL,
	`expires_at` integer,
	`last_used_at` integer,
	`revoked_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`org_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_key_hash_unique` ON `api_keys` (`key_hash`);--> statement-breakpoint
CREATE INDEX `api_keys_org` ON `api_keys` (`org_id`);--> statement-breakpoint
CREATE TABLE `invites` (
	`id` text PRIMARY KEY NOT NULL,
	`org_id` text NOT NULL,
	`email` text,
	`token_hash` text NOT NULL,
	`token` text NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`org_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `invites_token_hash_unique` ON `invites` (`token_hash`);--> statement-breakpoint
CREATE INDEX `invites_org` ON `invites` (`org_id`);--> statement-breakpoint
CREATE TABLE `organizations` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`slug` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `organizations_slug_unique` ON `organizations` (`slug`);--> statement-breakpoint
CREATE TABLE `refresh_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`family_id` text NOT NULL,
	`user_id` text NOT NULL,
	`token_hash` text NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	`revoked_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `refresh_tokens_token_hash_unique` ON `refresh_tokens` (`token_hash`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_family` ON `refresh_tokens` (`family_id`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_user` ON `refresh_tokens` (`user_id`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`org_id` text NOT NULL,
	`email` text NOT NULL,
	`name` text NOT NULL,
	`password_hash` text,
	`role` text DEFAULT 'member' NOT NULL,
	`is_owner` integer DEFAULT false NOT NULL,
	`must_change_password` integer DEFAULT false NOT NULL,
	`token_epoch` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`org_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email_unique` ON `users` (`email`);--> statement-breakpoint
CREATE INDEX `users_org` ON `users` (`org_id`);--> statement-breakpoint
CREATE TABLE `post_action_bindings` (
	`id` text PRIMARY KEY NOT NULL,
	`post_action_id` text NOT NULL,
	`trigger_type` text NOT NULL,
	`trigger_id` text NOT NULL,
	`trigger_on` text DEFAULT 'any' NOT NULL,
	`body_override` text,
	`enabled` integer DEFAULT true NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`post_action_id`) REFERENCES `post_actions`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `post_action_bindings_once` ON `post_action_bindings` (`post_action_id`,`trigger_type`,`trigger_id`,`trigger_on`);--> statement-breakpoint
CREATE INDEX `post_action_bindings_trigger` ON `post_action_bindings` (`trigger_type`,`trigger_id`);--> statement-breakpoint
CREATE TABLE `post_action_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`post_action_id` text NOT NULL,
	`binding_id` text NOT NULL,
	`source_type` text NOT NULL,
	`source_run_id` text NOT NULL,
	`placeholders` text NOT NULL,
	`triggered_at` integer NOT NULL,
	`completed_at` integer,
	`status` text DEFAULT 'pending' NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`next_attempt_at` integer,
	`status_code` integer DEFAULT 0 NOT NULL,
	`response_body` text DEFAULT '' NOT NULL,
	`error` text DEFAULT '' NOT NULL,
	`request_sent` text DEFAULT '' NOT NULL,
	FOREIGN KEY (`post_action_id`) REFERENCES `post_actions`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `post_action_runs_once` ON `post_action_runs` (`binding_id`,`source_run_id`);--> statement-breakpoint
CREATE INDEX `post_action_runs_action` ON `post_action_runs` (`post_action_id`,`triggered_at`);--> statement-breakpoint
CREATE INDEX `post_action_runs_open` ON `post_action_runs` (`next_attempt_at`) WHERE status in ('pending', 'retrying');--> statement-breakpoint
CREATE TABLE `post_actions` (
	`id` text PRIMARY KEY NOT NULL,
	`org_id` text DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`method` text DEFAULT 'POST' NOT NULL,
	`url` text NOT NULL,
	`headers` text,
	`body_template` text DEFAULT '' NOT NULL,
	`auth_type` text DEFAULT 'none' NOT NULL,
	`auth_config` text,
	`timeout_seconds` integer DEFAULT 30 NOT NULL,
	`retry_count` integer DEFAULT 0 NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `post_actions_org` ON `post_actions` (`org_id`);--> statement-breakpoint
CREATE TABLE `schedule_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`schedule_id` text NOT NULL,
	`due_at` integer NOT NULL,
	`team_deployment_id` text DEFAULT '' NOT NULL,
	`message_id` text,
	`deployed_team` integer DEFAULT false NOT NULL,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`status` text DEFAULT 'running' NOT NULL,
	`error` text DEFAULT '' NOT NULL,
	`prompt_sent` text DEFAULT '' NOT NULL,
	`response_received` text DEFAULT '' NOT NULL,
	FOREIGN KEY (`schedule_id`) REFERENCES `schedules`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `schedule_runs_message_id_unique` ON `schedule_runs` (`message_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `schedule_runs_due` ON `schedule_runs` (`schedule_id`,`due_at`);--> statement-breakpoint
CREATE INDEX `schedule_runs_open` ON `schedule_runs` (`status`) WHERE status = 'running';--> statement-breakpoint
CREATE TABLE `schedules` (
	`id` text PRIMARY KEY NOT NULL,
	`org_id` text DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	`team_id` text NOT NULL,
	`name` text NOT NULL,
	`prompt` text NOT NULL,
	`cron_expression` text NOT NULL,
	`timezone` text DEFAULT 'UTC' NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`missed_policy` text DEFAULT 'skip' NOT NULL,
	`status` text DEFAULT 'idle' NOT NULL,
	`last_run_at` integer,
	`next_run_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `schedules_org` ON `schedules` (`org_id`);--> statement-breakpoint
CREATE INDEX `schedules_due` ON `schedules` (`enabled`,`next_run_at`);--> statement-breakpoint
CREATE TABLE `webhook_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`webhook_id` text NOT NULL,
	`idempotency_key` text,
	`request_payload` text DEFAULT '' NOT NULL,
	`caller_ip` text DEFAULT '' NOT NULL,
	`message_id` text,
	`deployed_team` integer DEFAULT false NOT NULL,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`status` text DEFAULT 'running' NOT NULL,
	`error` text DEFAULT '' NOT NULL,
	`prompt_sent` text DEFAULT '' NOT NULL,
	`response_received` text DEFAULT '' NOT NULL,
	FOREIGN KEY (`webhook_id`) REFERENCES `webhooks`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `webhook_runs_message_id_unique` ON `webhook_runs` (`message_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `webhook_runs_idempotency` ON `webhook_runs` (`webhook_id`,`idempotency_key`) WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX `webhook_runs_webhook` ON `webhook_runs` (`webhook_id`,`started_at`);--> statement-breakpoint
CREATE INDEX `webhook_runs_open` ON `webhook_runs` (`status`) WHERE status = 'running';--> statement-breakpoint
CREATE TABLE `webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`org_id` text DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	`team_id` text NOT NULL,
	`name` text NOT NULL,
	`prompt_template` text NOT NULL,
	`token_hash` text NOT NULL,
	`secret_prefix` text NOT NULL,
	`signing_secret` text,
	`enabled` integer DEFAULT true NOT NULL,
	`timeout_seconds` integer DEFAULT 3600 NOT NULL,
	`max_concurrent` integer DEFAULT 1 NOT NULL,
	`status` text DEFAULT 'idle' NOT NULL,
	`last_triggered_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `webhooks_token_hash_unique` ON `webhooks` (`token_hash`);--> statement-breakpoint
CREATE INDEX `webhooks_org` ON `webhooks` (`org_id`);--> statement-breakpoint
ALTER TABLE `agents` ADD `mcp_servers` text;--> statement-breakpoint
CREATE TRIGGER `schedules_unbind` AFTER DELETE ON `schedules` BEGIN
	DELETE FROM `post_action_bindings` WHERE `trigger_type` = 'schedule' AND `trigger_id` = old.`id`;
END;--> statement-breakpoint
CREATE TRIGGER `webhooks_unbind` AFTER DELETE ON `webhooks` BEGIN
	DELETE FROM `post_action_bindings` WHERE `trigger_type` = 'webhook' AND `trigger_id` = old.`id`;
END;
