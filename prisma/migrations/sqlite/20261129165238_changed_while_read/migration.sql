-- AlterTable
ALTER TABLE "Backup" ADD COLUMN "changedWhileRead" TEXT;
